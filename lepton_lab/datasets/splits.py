# SPDX-License-Identifier: BSD-3-Clause
"""One split of a data set: a sequence of samples that knows how to read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np

from lepton_lab.datasets import payload
from lepton_lab.datasets.cache import PixelCache
from lepton_lab.datasets.records import Sample, no_such
from lepton_lab.runtime.decode import ImageError

PRESIZE = 1.25
FULL_SHARE = 0.5


class Split(Sequence[Sample]):
    """Samples of one side of a data set.

    Args:
        name: "train", "val", "test", or the user's own.
        samples: The samples, in an order that depends on their ids alone.
        classes: The names that labels point into.
        cache: Where decoded pictures are kept; shared by the splits of a data set.
    """

    def __init__(
        self,
        name: str,
        samples: Iterable[Sample],
        classes: Sequence[str],
        cache: PixelCache | None = None,
    ) -> None:
        self.name = name
        self.samples = tuple(samples)
        self.classes = tuple(classes)
        self.cache = PixelCache() if cache is None else cache

    def __len__(self) -> int:
        return len(self.samples)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Split: ...
    def __getitem__(self, index: int | slice) -> Sample | Split:
        if isinstance(index, slice):
            return self.subset(range(*index.indices(len(self))))
        return self.samples[index]

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    @cached_property
    def targets(self) -> np.ndarray:
        """Class indexes, int64 (N,); -1 where a sample has no label."""
        return np.array([-1 if s.label is None else s.label for s in self.samples], dtype=np.int64)

    def read(self, index: int) -> np.ndarray:
        """The whole picture, uint8 (H, W, 3) RGB, upright, exactly as an artifact decodes it.

        Raises:
            DataError: It cannot be read any more; the message names it.
        """
        sample = self.samples[index]
        kept = self.cache.get(sample.id)
        if kept is None:
            kept = self.cache.put(sample.id, self._decode(sample, None), FULL_SHARE)
        return kept

    def read_for_training(self, index: int, size: int) -> np.ndarray:
        """The picture, perhaps reduced: large enough to cut training crops of `size` pixels from.

        The shorter side is at most a quarter more than `size`. The same arguments give the same
        pixels, whether the cache holds them or not.

        Args:
            index: Position in the split.
            size: Side of the model's input in pixels.

        Returns:
            uint8 (h, w, 3) RGB, upright; read-only.
        """
        sample = self.samples[index]
        bound = int(np.ceil(size * PRESIZE))
        kept = self.cache.get((sample.id, bound))
        if kept is None:
            kept = self.cache.put((sample.id, bound), self._decode(sample, bound))
        return kept

    def read_bytes(self, index: int) -> bytes:
        """The bytes of the original file; a PNG where the source was pixels."""
        sample = self.samples[index]
        try:
            return payload.encoded(sample.payload)
        except (ImageError, OSError) as error:
            raise self._lost(sample, error) from error

    def subset(self, indexes: Iterable[int]) -> Split:
        """A split of some of the samples, in the order given; it shares the cache."""
        return Split(self.name, [self.samples[int(i)] for i in indexes], self.classes, self.cache)

    def counts(self) -> np.ndarray:
        """Samples per class, int64 (classes,)."""
        targets = self.targets
        return np.bincount(targets[targets >= 0], minlength=len(self.classes))

    def __repr__(self) -> str:
        return f"Split({self.name!r}, {len(self)} samples, {len(self.classes)} classes)"

    def _decode(self, sample: Sample, bound: int | None) -> np.ndarray:
        try:
            return (
                payload.pixels(sample.payload)
                if bound is None
                else payload.reduced(sample.payload, bound)
            )
        except (ImageError, OSError) as error:
            raise self._lost(sample, error) from error

    def _lost(self, sample: Sample, error: Exception) -> Exception:
        return no_such(
            f'The image "{sample.id}" cannot be read any more.',
            f"{getattr(error, 'reason', error)}; it could be read when the data set was loaded.",
            "Put the file back, or load the data set again; it will then be left out.",
        )
