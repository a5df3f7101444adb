# SPDX-License-Identifier: BSD-3-Clause
"""A box as an annotation file gives it, as corners in pixels of the upright picture.

Annotations may be relative to the picture, made for a copy of another size, or for the pixels as they
are stored, before the orientation flag of EXIF turns them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from lepton_lab.datasets.labels.boxes import Corners
from lepton_lab.runtime.decode import ImageFacts

_NOT_RELATIVE = 2.0


class Given(NamedTuple):
    """A box as written.

    Attributes:
        corners: (left, top, right, bottom), of any type.
        name: Its class.
        crowd: Whether it stands for a crowd.
        relative: Whether the corners are shares of width and height.
    """

    corners: Sequence[Any]
    name: str
    crowd: bool = False
    relative: bool = False


def numbers(box: Given) -> Corners | None:
    """Four finite numbers, or None; relative ones must look relative."""
    try:
        found = tuple(float(value) for value in box.corners)
    except (TypeError, ValueError, OverflowError):
        return None
    if len(found) != 4 or not all(math.isfinite(value) for value in found):
        return None
    if box.relative and max(abs(value) for value in found) > _NOT_RELATIVE:
        return None
    return found  # type: ignore[return-value]


def moved(
    corners: Corners,
    box: Given,
    facts: ImageFacts | None,
    said: tuple[int, int] | None,
    size: tuple[int, int],
) -> Corners:
    """Corners in pixels of the upright picture."""
    height, width = size
    left, top, right, bottom = corners
    if box.relative:
        return left * width, top * height, right * width, bottom * height
    if facts is None or said is None or said == size:
        return corners
    if is_turned(facts, said):
        return turned(corners, said, facts.orientation)
    x, y = width / said[1], height / said[0]
    return left * x, top * y, right * x, bottom * y


def is_turned(facts: ImageFacts, said: tuple[int, int]) -> bool:
    """Whether an annotation was made for the pixels as stored, where these are turned by EXIF."""
    return facts.orientation >= 5 and said == (facts.width, facts.height)


def turned(corners: Corners, size: tuple[int, int], orientation: int) -> Corners:
    """A box on the stored pixels as it lies on the upright ones.

    Args:
        corners: In pixels as stored.
        size: Height and width as stored.
        orientation: Of EXIF, 5 to 8.

    >>> turned((0, 0, 10, 20), (100, 200), 6)
    (80, 0, 100, 10)
    """
    height, width = size
    left, top, right, bottom = corners
    if orientation in (6, 7):
        top, bottom = height - bottom, height - top
    if orientation in (7, 8):
        left, right = width - right, width - left
    return top, left, bottom, right
