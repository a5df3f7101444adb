# SPDX-License-Identifier: BSD-3-Clause
"""Boxes out of a detector: the best of its queries, in pixels of the picture as it was.

A detector of the DETR kind answers with a fixed number of queries. The model file gives for each its
box, as shares of width and height, and a score per class: a share of one where the model was trained
with a class "nothing" (softmax), else each on its own (sigmoid). The best pairs of a query and a class
count, so that a query whose class is doubtful is a weak box of either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

TOP = 100
THRESHOLD = 0.5
_SHOWN = 5
_GOLDEN = 10


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one picture, the surest first.

    Attributes:
        name: Of the input, empty for bytes and pixels.
        boxes: float32 (n, 4): left, top, right, bottom in pixels of the picture, upright.
        labels: The class of each.
        scores: float32 (n,), 0 to 1.
        size: Height and width of the picture in pixels.
        classes: All that the model knows.
    """

    name: str
    boxes: np.ndarray = field(repr=False)
    labels: tuple[str, ...]
    scores: np.ndarray = field(repr=False)
    size: tuple[int, int] = field(repr=False)
    classes: tuple[str, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def to_json(self) -> dict[str, Any]:
        """The size of the picture, and "boxes": one {"label", "score", "box"} each."""
        rows = zip(self.labels, self.scores, self.boxes, strict=True)
        boxes = [
            {
                "label": label,
                "score": round(float(score), 4),
                "box": [round(float(value), 1) for value in box],
            }
            for label, score, box in rows
        ]
        return {"height": self.size[0], "width": self.size[1], "boxes": boxes}

    def text(self) -> str:
        """One line per box."""
        return "\n".join(_line(found) for found in self.to_json()["boxes"]) or "nothing found"

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        found = self.to_json()["boxes"]
        said = "; ".join(_line(one) for one in found[:_SHOWN]) or "nothing found"
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return (f"{self.name}: " if self.name else "") + said + more


def pick(scores: np.ndarray, boxes: np.ndarray, size: Sequence[int], top: int) -> np.ndarray:
    """The best boxes of one picture.

    Args:
        scores: Float (queries, classes), 0 to 1.
        boxes: Float (queries, 4): left, top, right, bottom as shares of width and height.
        size: Height and width of the picture in pixels.
        top: How many at most.

    Returns:
        float32 (n, 6), best first: score, class, left, top, right, bottom in pixels, cut off at the edge.

    >>> pick(np.array([[0.1, 0.7]]), np.array([[0, 0.5, 1, 1.2]]), (10, 20), top=1).tolist()
    [[0.699999988079071, 1.0, 0.0, 5.0, 20.0, 10.0]]
    """
    cells = np.argsort(-scores, axis=None, kind="stable")[:top]
    queries, classes = np.unravel_index(cells, scores.shape)
    height, width = int(size[0]), int(size[1])
    edge = np.array([width, height, width, height], np.float32)
    corners = np.clip(boxes[queries].astype(np.float32), 0, 1) * edge
    columns = [scores[queries, classes].astype(np.float32), classes.astype(np.float32)]
    found: np.ndarray = np.column_stack([*columns, corners])
    return found


class BoxesOutput:
    """The answers of a detector; see `outputs.Output`.

    Args:
        rule: Keys "top" (boxes at most) and "threshold" (the lowest score that an answer shows).
        labels: Class names in the order of the scores.
    """

    def __init__(self, rule: Mapping[str, Any], labels: Sequence[str]) -> None:
        self.top, self.threshold = int(rule["top"]), float(rule["threshold"])
        self.labels = tuple(labels)

    def cut(
        self, outputs: Mapping[str, np.ndarray], rows: Sequence[Mapping[str, np.ndarray]]
    ) -> list[dict[str, np.ndarray]]:
        """The outputs of each sample of a batch; nothing is padded."""
        return [{name: values[i] for name, values in outputs.items()} for i in range(len(rows))]

    def rows(self, outputs: Mapping[str, np.ndarray], size: Sequence[int]) -> np.ndarray:
        """All boxes that count, float32 (n, 6), as `pick` gives them."""
        return pick(outputs["scores"], outputs["boxes"], size, self.top)

    def answer(
        self, outputs: Mapping[str, np.ndarray], row: Mapping[str, np.ndarray], name: str = ""
    ) -> Detections:
        """The boxes whose score reaches the threshold."""
        size = int(row["size"][0]), int(row["size"][1])
        found = self.rows(outputs, size)
        found = found[found[:, 0] >= self.threshold]
        labels = tuple(self.labels[int(kind)] for kind in found[:, 1])
        return Detections(name, found[:, 2:], labels, found[:, 0], size, self.labels)

    def kept(self, outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The surest boxes, as shares of width and height: [class, score, left, top, right, bottom]."""
        best = pick(outputs["scores"], outputs["boxes"], (1, 1), _GOLDEN)
        return {
            "boxes": [
                [int(kind), *(round(float(v), 6) for v in (score, *corners))]
                for score, kind, *corners in best
            ]
        }

    def gap(self, kept: Mapping[str, Any], outputs: Mapping[str, np.ndarray]) -> float:
        """The largest distance of a kept box to the nearest query, in score or share of the picture.

        The order of queries is no part of an answer, and two of nearly equal score may swap.
        """
        corners, worst = np.clip(outputs["boxes"], 0, 1), [0.0]
        for kind, score, *box in kept["boxes"]:
            apart = np.abs(corners - np.array(box)).max(axis=1)
            off = np.abs(outputs["scores"][:, kind] - score)
            worst.append(float(np.maximum(apart, off).min()))
        return float(np.max(worst))  # which keeps what is not a number


def make(rule: Mapping[str, Any], labels: Sequence[str]) -> BoxesOutput:
    """The output of a manifest; see `outputs.output`."""
    return BoxesOutput(rule, labels)


def _line(found: Mapping[str, Any]) -> str:
    left, top, right, bottom = (round(value) for value in found["box"])
    return f"{found['label']} {found['score']:.3f} at ({left}, {top})-({right}, {bottom})"
