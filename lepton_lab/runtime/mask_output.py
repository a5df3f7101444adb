# SPDX-License-Identifier: BSD-3-Clause
"""Logits of a segmentation model as a mask of the user's own picture: one class per pixel.

A model answers at a fraction of the picture's size (a quarter, a sixteenth). The logits are enlarged, not
the answer: bilinear, as PyTorch's `interpolate(mode="bilinear", align_corners=False)` does it, and then
the largest one counts. The prepared picture must be the whole one, squeezed to the model's size.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from .mask_colors import colors

_AT_ONCE = 1 << 22
_GRID = 32


@dataclass(frozen=True, eq=False)
class MaskAnswer:
    """The answer for one picture.

    Attributes:
        name: Name of the input, empty for bytes and pixels.
        mask: The class of each pixel, uint8 (H, W), of the size of the picture.
        classes: Class names in the order of the indexes.
    """

    name: str
    mask: np.ndarray = field(repr=False)
    classes: Sequence[str] = field(repr=False)

    @cached_property
    def coverage(self) -> dict[str, float]:
        """The share of the picture that each class has, the largest first; only classes that occur."""
        counts = np.bincount(self.mask.ravel(), minlength=len(self.classes))
        order = np.argsort(-counts, kind="stable")
        return {self.classes[int(i)]: float(counts[i] / self.mask.size) for i in order if counts[i]}

    @property
    def label(self) -> str:
        """The class with the most pixels."""
        return next(iter(self.coverage))

    def __str__(self) -> str:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in list(self.coverage.items())[:5])
        return f"{self.name}: {shares}" if self.name else shares

    def text(self) -> str:
        """One line per class that occurs, at most ten."""
        height, width = self.mask.shape
        lines = [f"{self.name or 'mask'}: {width} x {height} pixels"]
        pairs = list(self.coverage.items())[:10]
        return "\n".join([*lines, *(f"  {share:6.1%}  {name}" for name, share in pairs)])

    def to_json(self) -> dict[str, Any]:
        """The mask as runs of equal pixels, row by row: [[class index, length], ...]."""
        height, width = self.mask.shape
        found: dict[str, Any] = {"name": self.name} if self.name else {}
        shares = {name: round(share, 6) for name, share in self.coverage.items()}
        return {
            **found,
            "height": height,
            "width": width,
            "coverage": shares,
            "runs": runs(self.mask),
        }

    def to_png(self) -> bytes:
        """An indexed PNG: its values are the class indexes, its palette only shows them."""
        image = Image.fromarray(self.mask, "P")
        image.putpalette(colors(len(self.classes)).tobytes())
        stream = io.BytesIO()
        image.save(stream, "PNG")
        return stream.getvalue()


class MaskOutput:
    """See `lepton_lab.runtime.outputs`; the graph's output is "logits", (N, classes, h, w)."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)

    def cut(
        self, outputs: Mapping[str, np.ndarray], rows: Sequence[Mapping[str, np.ndarray]]
    ) -> list[dict[str, np.ndarray]]:
        """The logits of each sample, (classes, h, w)."""
        return [{"logits": outputs["logits"][i]} for i in range(len(rows))]

    def answer(
        self, outputs: Mapping[str, np.ndarray], row: Mapping[str, np.ndarray], name: str = ""
    ) -> MaskAnswer:
        """The mask at the size of the picture, `row["size"]` (height, width)."""
        height, width = (int(side) for side in row["size"])
        return MaskAnswer(name, class_map(outputs["logits"], (height, width)), self.labels)

    def kept(self, outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The answer on a grid of at most 32 x 32 points, as runs."""
        grid = _grid(outputs["logits"])
        return {"size": list(grid.shape), "runs": runs(grid)}

    def gap(self, kept: Mapping[str, Any], outputs: Mapping[str, np.ndarray]) -> float:
        """The share of the grid's points that differ; 1 when the grids differ in size."""
        grid = _grid(outputs["logits"])
        if list(grid.shape) != list(kept["size"]):
            return 1.0
        return float((grid != from_runs(kept["runs"], grid.shape)).mean())


def make(output: Mapping[str, Any], labels: Sequence[str]) -> MaskOutput:
    """The output of a manifest."""
    return MaskOutput(labels)


def class_map(logits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The class of each pixel of a picture.

    Args:
        logits: float32 (classes, h, w).
        size: Height and width of the picture.

    Returns:
        uint8 (height, width).
    """
    (height, width), classes = size, len(logits)
    found = np.empty(size, np.uint8)
    step = max(1, _AT_ONCE // (classes * width))
    for start in range(0, height, step):
        rows = range(start, min(start + step, height))
        found[rows.start : rows.stop] = enlarged(logits, size, rows).argmax(axis=0)
    return found


def enlarged(logits: np.ndarray, size: tuple[int, int], rows: range | None = None) -> np.ndarray:
    """Bilinear interpolation of (classes, h, w) to (classes, height, width), or to some of its rows."""
    rows = range(size[0]) if rows is None else rows
    top, bottom, down = (part[rows.start : rows.stop] for part in _taps(logits.shape[1], size[0]))
    left, right, along = _taps(logits.shape[2], size[1])
    first, last = int(top.min()), int(bottom.max()) + 1
    part = logits[:, first:last]
    wide = part[:, :, left] * (1 - along) + part[:, :, right] * along
    down = down[:, None]
    found: np.ndarray = wide[:, top - first] * (1 - down) + wide[:, bottom - first] * down
    return found


def runs(mask: np.ndarray) -> list[list[int]]:
    """Runs of equal values, row by row.

    >>> runs(np.array([[1, 1], [1, 0]]))
    [[1, 3], [0, 1]]
    """
    flat = mask.ravel()
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    lengths = np.diff(np.r_[starts, flat.size])
    return [[int(v), int(n)] for v, n in zip(flat[starts], lengths, strict=True)]


def from_runs(found: Sequence[Sequence[int]], size: tuple[int, ...]) -> np.ndarray:
    """The mask of some runs, uint8.

    >>> from_runs([[1, 3], [0, 1]], (2, 2)).tolist()
    [[1, 1], [1, 0]]
    """
    values, lengths = np.array(found, np.int64).reshape(-1, 2).T
    return np.repeat(values, lengths).astype(np.uint8).reshape(size)


def _taps(source: int, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each target place the two source places that it lies between, and how near the second one is."""
    scale = np.float32(source) / np.float32(target)
    place = (np.arange(target, dtype=np.float32) + np.float32(0.5)) * scale - np.float32(0.5)
    place = np.maximum(place, np.float32(0))
    low = np.minimum(place.astype(np.int64), source - 1)
    return low, np.minimum(low + 1, source - 1), place - low.astype(np.float32)


def _grid(logits: np.ndarray) -> np.ndarray:
    height, width = logits.shape[1:]
    rows, columns = (np.arange(min(n, _GRID)) * n // min(n, _GRID) for n in (height, width))
    found: np.ndarray = logits[:, rows][:, :, columns].argmax(axis=0).astype(np.uint8)
    return found
