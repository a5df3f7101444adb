# SPDX-License-Identifier: BSD-3-Clause
"""Small sets of pictures with boxes, in each of the formats that are read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.datasets.trees import save

WIDTH, HEIGHT = 48, 40
NAMES = ("cat", "dog")


def coco(
    path: Path,
    images: Sequence[str],
    boxes: Sequence[tuple[Any, Any, Any]],
    *,
    said: tuple[Any, Any] = (WIDTH, HEIGHT),
    **more: Any,
) -> Path:
    """A COCO file: boxes are (image number, category number, [left, top, width, height])."""
    content = {
        "images": [{"id": i, "file_name": n, "width": said[0], "height": said[1]} for i, n in enumerate(images)],
        "annotations": [
            {"id": i, "image_id": image, "category_id": kind, "bbox": box, "iscrowd": 0}
            for i, (image, kind, box) in enumerate(boxes)
        ],
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(NAMES)],
        **more,
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")
    return path


def pictures(folder: Path, names: Sequence[str], first: int = 0) -> list[str]:
    """Different pictures of 48 x 40 pixels."""
    for i, name in enumerate(names):
        save(folder / name, first + i, (WIDTH, HEIGHT))
    return list(names)


def numbered(count: int, start: int = 0) -> list[str]:
    """Names of files."""
    return [f"{i:02d}.jpg" for i in range(start, start + count)]


def coco_splits(root: Path) -> Path:
    """train.json and val.json beside folders of that name: 6 + 2 pictures, each with a cat and a dog."""
    for side, count, first in (("train", 6, 0), ("val", 2, 50)):
        names = pictures(root / side, numbered(count), first)
        both = [(i, kind, [4 * kind, 5, 10, 12]) for i in range(count) for kind in (1, 2)]
        coco(root / f"{side}.json", names, both)
    return root


def xml(corners: Sequence[Any] = (4, 5, 14, 17), name: str = "cat", size: tuple[Any, Any] = (WIDTH, HEIGHT), file: str = "") -> str:  # fmt: skip
    """An annotation of Pascal VOC with one box."""
    left, top, right, bottom = corners
    return (
        f"<annotation><filename>{file}</filename>"
        f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
        f"<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>{left}</xmin>"
        f"<ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object></annotation>"
    )


def corners(dataset: Any) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Id -> corners of every sample."""
    return {s.id: s.label.corners for split in dataset.splits() for s in split}


def words(dataset: Any) -> dict[str, str]:
    """Id -> what is in the picture, in words."""
    return {s.id: split.labels.words(s.label, split.classes) for split in dataset.splits() for s in split}  # fmt: skip
