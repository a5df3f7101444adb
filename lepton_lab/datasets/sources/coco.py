# SPDX-License-Identifier: BSD-3-Clause
"""Boxes in COCO's JSON: one file with images, annotations and categories, or one per split.

    cells/train.json  cells/train/1.jpg              a file beside the folder of its images
    cells/train/_annotations.coco.json               a file among its images
    coco/annotations/instances_train2017.json        the layout of COCO itself

The split is told by the name of the file or of its folder. A single file may be named:
`lab.data("cells/train.json")` is then split anew. Addresses in it are never fetched.
"""

from __future__ import annotations

import json
import mmap
import os
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lepton_lab.datasets.records import Reading, Source, no_such
from lepton_lab.datasets.sources.annotated import (
    Gathering,
    Pictures,
    only_known_sides,
    split_of,
)
from lepton_lab.datasets.sources.fitting import Given
from lepton_lab.errors import DataError
from lepton_lab.spec import DataSpec

_KEYS = (b'"images"', b'"annotations"', b'"categories"', b'"bbox"')
_LARGEST = 1 << 30
_PLACES = ("*.json", "annotations/*.json", "*/*.json")


def recognizes(source: Any) -> bool:
    """A JSON file with COCO's keys, or a folder with one in a usual place."""
    if not isinstance(source, (str, os.PathLike)):
        return False
    try:
        path = Path(source).expanduser()
        return _is_coco(path) if path.is_file() else path.is_dir() and bool(_files(path))
    except (OSError, ValueError, RuntimeError):
        return False


def read(source: Any, spec: DataSpec) -> Reading:
    """The images of one or several COCO files."""
    path = Path(source).expanduser()
    files = [path] if path.is_file() else _files(path)
    root = path if path.is_dir() else path.parent
    if path.is_file() and root.name == "annotations":
        root = root.parent
    gathering = Gathering(Pictures(root))
    order: list[str] = []
    for file in files:
        split = split_of(file.stem, file.parent.name if file.parent != root else "")
        order += [n for n in _read_file(file, root, split, gathering) if n not in order]
    if not gathering.records:
        raise no_such(
            f'"{source}" lists no image.', "Its list of images is empty.", "Export it again."
        )
    if len(files) == 1 or not only_known_sides(gathering.records.values()):
        gathering.records = {k: replace(r, split=None) for k, r in gathering.records.items()}
    if path.is_dir():
        gathering.tell_unlisted()
    return gathering.reading(root.resolve().name, order)


def _files(root: Path) -> list[Path]:
    """The COCO files of a folder; of COCO's own several for one split, those of the instances."""
    found = [f for place in _PLACES for f in sorted(root.glob(place)) if _is_coco(f)]
    found = list(dict.fromkeys(found))
    instances = [file for file in found if file.name.startswith("instances_")]
    return instances or found


def _is_coco(path: Path) -> bool:
    """Whether a file looks like COCO's, by its keys; it is not parsed."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    if not 0 < path.stat().st_size <= _LARGEST:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return all(content.find(key) >= 0 for key in _KEYS)


def _read_file(path: Path, root: Path, split: str | None, gathering: Gathering) -> list[str]:
    """Add the images of one file; returns its classes in the order of their ids."""
    found = _parsed(path)
    images = _rows(found, "images", path)
    named = {row.get("id"): str(row.get("name")) for row in _rows(found, "categories", path)}
    boxes: dict[Hashable, list[Given]] = defaultdict(list)
    known = {row.get("id") for row in images}
    for row in _rows(found, "annotations", path):
        image, category = row.get("image_id"), row.get("category_id")
        if image not in known:
            gathering.note(
                "unknown-image", f"{path.name}: annotation {row.get('id')}", f"image {image}"
            )
        elif category not in named:
            gathering.note("unknown-category", f"{path.name}: annotation {row.get('id')}", f"category {category}")  # fmt: skip
        else:
            crowd = row.get("iscrowd") in (1, True)
            boxes[image].append(Given(_corners(row.get("bbox")), named[category], crowd))
    near = _folders(path, root)
    for row in images:
        said = str(row.get("file_name", "")).replace("\\", "/")
        name = gathering.pictures.called(said, near) or _unknown(said, near, root)
        gathering.add(name, boxes[row.get("id")], split, _size(row))
    return [named[key] for key in sorted(named, key=_by_id)]


def _folders(path: Path, root: Path) -> list[str]:
    """Where the images of a file lie, as a rule: the likeliest first."""
    here = path.parent.relative_to(root).as_posix()
    side = path.stem.removeprefix("instances_")
    inside = [here, f"{here}/{path.stem}", f"{here}/images", path.stem, side]
    return [folder.removeprefix("./") for folder in (*inside, f"images/{side}", "images")]


def _unknown(said: str, near: Sequence[str], root: Path) -> str:
    """What to call an image that is not there: below the folder, wherever its entry points."""
    folder = next((name for name in near[1:] if (root / name).is_dir()), near[0])
    return f"{folder}/{Path(said).name or 'image without a name'}".removeprefix("./")


def _parsed(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise no_such(
            f'"{path.name}" is no valid JSON.', str(error)[:160], "Export it again."
        ) from error
    if not isinstance(found, dict):
        raise _damaged(path, "It is no object with images, annotations and categories.")
    return found


def _rows(found: dict[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    rows = found.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _damaged(path, f"Its {key} are no list of objects.")
    for row in rows:
        for name in ("id", "image_id", "category_id"):
            if isinstance(row.get(name), (list, dict)):
                raise _damaged(path, f"Among its {key} is one whose {name} is no number.")
    return rows


def _damaged(path: Path, why: str) -> DataError:
    return no_such(f'"{path.name}" is no COCO file.', why, "Export it again as COCO JSON.")


def _corners(box: Any) -> Sequence[Any]:
    """(left, top, width, height) as corners; what is no box is handed on, to be told."""
    try:
        left, top, width, height = (float(value) for value in box)
    except (TypeError, ValueError, OverflowError):
        return box if isinstance(box, (list, tuple)) else (box,)
    return left, top, left + width, top + height


def _size(row: dict[str, Any]) -> tuple[int, int] | None:
    height, width = row.get("height"), row.get("width")
    if not isinstance(height, (int, float)) or not isinstance(width, (int, float)):
        return None
    return (int(height), int(width)) if height > 0 and width > 0 else None


def _by_id(key: Any) -> tuple[bool, Any]:
    """Numbers by value, before everything else by its text."""
    return (False, key) if isinstance(key, (int, float)) else (True, str(key))


SOURCE = Source("coco", "Boxes in COCO JSON beside the images.", recognizes, read)
