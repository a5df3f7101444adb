# SPDX-License-Identifier: BSD-3-Clause
"""Boxes on a picture: corners in pixels of the upright original, each with a class.

    (left, top, right, bottom), 0 <= left < right <= width

Both records hold plain tuples, so that their `repr` says everything and a fingerprint sees every
change. A picture without any box is a sample too: it teaches where nothing is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lepton_lab.datasets.label import Labels
from lepton_lab.rendering import Markup, visible

Corners = tuple[float, float, float, float]
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class NamedBoxes:
    """Boxes as a source found them.

    Attributes:
        corners: (left, top, right, bottom) of each, in pixels.
        names: The class of each.
        size: Height and width of the picture in pixels, upright.
        crowd: Whether each stands for a crowd: not learned from, and nothing found inside counts as wrong.
    """

    corners: tuple[Corners, ...]
    names: tuple[str, ...]
    size: tuple[int, int]
    crowd: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes as a sample holds them; `classes` are indexes, the rest as in `NamedBoxes`."""

    corners: tuple[Corners, ...]
    classes: tuple[int, ...]
    size: tuple[int, int]
    crowd: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.corners)

    def learned(self) -> tuple[np.ndarray, np.ndarray]:
        """Corners, float32 (n, 4), and classes, int64 (n,), without the crowds."""
        single = ~np.array(self.crowd, dtype=bool)
        corners = np.array(self.corners, np.float32).reshape(-1, 4)
        return corners[single], np.array(self.classes, np.int64)[single]


def _encode(label: NamedBoxes, index: Mapping[str, int]) -> Boxes:
    return Boxes(label.corners, tuple(index[name] for name in label.names), label.size, label.crowd)


def _stratum(label: NamedBoxes) -> str:
    """The class that is rarest in the picture's own count, ties by name: rare ones get onto both sides."""
    counted = Counter(label.names)
    return min(counted, key=lambda name: (counted[name], name), default="")


def _targets(labels: Sequence[Boxes | None]) -> list[Boxes]:
    """One `Boxes` per sample; an unlabeled one has none."""
    return [Boxes((), (), (0, 0), ()) if label is None else label for label in labels]


def _words(label: Boxes | None, classes: Sequence[str]) -> str:
    """What is in the picture: "2 cat, 1 dog"."""
    if label is None:
        return "no label"
    return counted(classes[i] for i in label.classes)


def counted(names: Iterable[str]) -> str:
    """Names with how often each occurs, the most frequent first.

    >>> counted(["cat", "dog", "cat"]), counted([])
    ('2 cat, 1 dog', 'nothing')
    """
    found = sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0]))
    said = ", ".join(f"{number} {visible(name)}" for name, number in found[:_SHOWN])
    return (said + (", …" if len(found) > _SHOWN else "")) or "nothing"


def _draw(pixels: np.ndarray, label: Boxes, classes: Sequence[str], name: str) -> Markup:
    from lepton_lab.datasets.box_drawing import boxes_tile

    height, width = label.size
    edge = np.array([width, height, width, height], np.float32)
    corners = np.array(label.corners, np.float32).reshape(-1, 4) / np.maximum(edge, 1)
    return boxes_tile(pixels, corners, label.classes, classes, name)


RECORD = Labels(
    name="boxes",
    names=lambda label: label.names,
    encode=_encode,
    stratum=_stratum,
    targets=_targets,
    words=_words,
    indexes=lambda label: label.classes,
    fewest=1,
    draw=_draw,
)
