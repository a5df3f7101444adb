# SPDX-License-Identifier: BSD-3-Clause
"""A class per pixel: masks stay on disk and are read when they are needed.

A mask says the class of each pixel as uint8; 255 is no class: such pixels count neither in training nor in
the metrics. What is in it (pixels per class) is known from the day it was loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lepton_lab.datasets.label import Labels
from lepton_lab.datasets.mask_files import read_values
from lepton_lab.datasets.mask_overlay import legend, picture
from lepton_lab.datasets.records import no_such
from lepton_lab.rendering import Markup
from lepton_lab.runtime.decode import ImageError

IGNORE = 255
MOST_CLASSES = 255
SIDE = 96


@dataclass(frozen=True, eq=False)
class RawMask:
    """A mask as a source found it.

    Attributes:
        names: All classes of the source.
        files: One file of values, as ("", path), or one file per class, as (name, path): what is not 0 in
            it is of that class. Pixels of no file are of the first class, of several files of none.
        values: Value in the file -> index into `names`; all others are of no class.
        pixels: Pixels per class, in the order of `names`.
        digest: Hex digits that change with any pixel.
        rarest: The class in it that the fewest masks have.
    """

    names: tuple[str, ...]
    files: tuple[tuple[str, Path], ...]
    values: Mapping[int, int]
    pixels: tuple[int, ...]
    digest: str
    rarest: str = ""

    def read(self) -> np.ndarray:
        """Indexes into `names`, uint8 (H, W), 255 for no class. Raises DataError when it is gone."""
        try:
            return self._layers() if self.files[0][0] else self._one_file()
        except (ImageError, OSError) as error:
            raise no_such(
                f'The mask "{self.files[0][1].name}" cannot be read any more.',
                f"{getattr(error, 'reason', error)}; it could be read when the data set was loaded.",
                "Put the file back, or load the data set again; its image will then be left out.",
            ) from error

    def _one_file(self) -> np.ndarray:
        found, place = np.unique(read_values(self.files[0][1]), return_inverse=True)
        table = np.array([self.values.get(int(v), IGNORE) for v in found], np.uint8)
        return table[place].reshape(place.shape)

    def _layers(self) -> np.ndarray:
        return merged({self.names.index(name): read_values(path) for name, path in self.files})


@dataclass(frozen=True, eq=False)
class Mask:
    """A mask of a data set; its classes are those of the data set.

    Attributes:
        raw: Where it comes from.
        table: Index among the classes of the source -> index among those of the data set.
    """

    raw: RawMask = field(repr=False)
    table: tuple[int, ...]

    def read(self) -> np.ndarray:
        """The class of each pixel, uint8 (H, W); 255 is none."""
        table = np.full(256, IGNORE, np.uint8)
        table[: len(self.table)] = self.table
        found: np.ndarray = table[self.raw.read()]
        return found

    @cached_property
    def pixels(self) -> dict[int, int]:
        """Pixels of each class that occurs."""
        pairs = zip(self.table, self.raw.pixels, strict=True)
        return {index: count for index, count in pairs if count and index != IGNORE}

    def __repr__(self) -> str:
        return f"Mask({self.raw.digest}, {self.table})"


def merged(layers: Mapping[int, np.ndarray]) -> np.ndarray:
    """One mask of several, class index -> (H, W): uint8, 0 where none is set, 255 where several are.

    >>> merged({1: np.array([[1, 1, 0]]), 2: np.array([[0, 255, 0]])}).tolist()
    [[1, 255, 0]]
    """
    found = np.zeros(next(iter(layers.values())).shape, np.uint8)
    taken = np.zeros(found.shape, bool)
    for index, values in layers.items():
        here = (values & 0xFFFFFF) != 0
        found[here] = np.where(taken[here], IGNORE, index)
        taken |= here
    return found


def coverage(pixels: Mapping[int, int], classes: Sequence[str], most: int = 3) -> str:
    """The largest classes of a mask with their shares.

    >>> coverage({0: 750, 2: 250}, ["sky", "sea", "land"])
    'sky 75 %, land 25 %'
    """
    total = sum(pixels.values())
    largest = sorted(pixels, key=lambda index: (-pixels[index], index))
    said = [f"{classes[i]} {pixels[i] / total:.0%}".replace("%", " %") for i in largest[:most]]
    more = len(largest) - most
    return ", ".join(said) + (f" and {more} more" if more > 0 else "") if said else "no class"


def _names(raw: RawMask) -> list[str]:
    return [name for name, count in zip(raw.names, raw.pixels, strict=True) if count]


def _encode(raw: RawMask, index: Mapping[str, int]) -> Mask:
    return Mask(raw, tuple(index.get(name, IGNORE) for name in raw.names))


def _words(label: Mask | None, classes: Sequence[str]) -> str:
    return "no mask" if label is None else coverage(label.pixels, classes)


def _indexes(label: Mask | None) -> tuple[int, ...]:
    return () if label is None else tuple(label.pixels)


def _targets(labels: Sequence[Any]) -> list[Any]:
    """The masks themselves; each is read when it is needed."""
    return list(labels)


def _draw(pixels: np.ndarray, label: Mask, classes: Sequence[str], name: str) -> Markup:
    """The mask over its picture, and its classes by color."""
    shown = picture(pixels, label.read(), classes, name, SIDE)
    return Markup(shown.markup + legend(classes, label.pixels).markup, shown.plain)


RECORD = Labels(
    name="mask",
    names=_names,
    encode=_encode,
    stratum=lambda raw: raw.rarest,
    targets=_targets,
    words=_words,
    indexes=_indexes,
    draw=_draw,
)
