# SPDX-License-Identifier: BSD-3-Clause
"""One split of a data set: a sequence of samples that knows how to read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np

from lepton_lab.datasets import payload
from lepton_lab.datasets.cache import PixelCache
from lepton_lab.datasets.content import Content
from lepton_lab.datasets.contents import contents
from lepton_lab.datasets.label import Labels
from lepton_lab.datasets.labels import labelings
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
        content: What a sample is.
        labels: What its label is.
    """

    def __init__(
        self,
        name: str,
        samples: Iterable[Sample],
        classes: Sequence[str],
        cache: PixelCache | None = None,
        content: str = "image",
        labels: str = "class",
    ) -> None:
        self._content, self._labels = content, labels
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

    @property
    def content(self) -> Content:
        """What a sample is."""
        return contents.get(self._content)

    @property
    def labels(self) -> Labels:
        """What a label is."""
        return labelings.get(self._labels)

    @cached_property
    def targets(self) -> Any:
        """The labels as metrics take them; for classes int64 (N,), -1 where a sample has no label."""
        return self.labels.targets([s.label for s in self.samples])

    def read(self, index: int) -> Any:
        """The sample as an artifact reads it; a picture is uint8 (H, W, 3) RGB, upright.

        Raises:
            DataError: It cannot be read any more; the message names it.
        """
        sample = self.samples[index]
        if self._content != "image":
            return self._read(sample)
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
        """The sample as a user of the artifact would send it: the bytes of its file, or made like one."""
        sample = self.samples[index]
        try:
            return self.content.encoded(sample.payload)
        except (ImageError, OSError) as error:
            raise self._lost(sample, error) from error

    def subset(self, indexes: Iterable[int]) -> Split:
        """A split of some of the samples, in the order given; it shares the cache."""
        return Split(
            self.name,
            [self.samples[int(i)] for i in indexes],
            self.classes,
            self.cache,
            self._content,
            self._labels,
        )

    def counts(self) -> np.ndarray:
        """Samples that bear each class, int64 (classes,)."""
        found = Counter(
            index
            for sample in self.samples
            if sample.label is not None
            for index in set(self.labels.indexes(sample.label))
        )
        return np.array([found[i] for i in range(len(self.classes))], dtype=np.int64)

    def __repr__(self) -> str:
        return f"Split({self.name!r}, {len(self)} samples, {len(self.classes)} classes)"

    def _read(self, sample: Sample) -> Any:
        try:
            return self.content.read(sample.payload)
        except (ImageError, OSError, ValueError) as error:
            raise self._lost(sample, error) from error

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
            f'The {self.content.noun} "{sample.id}" cannot be read any more.',
            f"{getattr(error, 'reason', error)}; it could be read when the data set was loaded.",
            "Put the file back, or load the data set again; it will then be left out.",
        )
