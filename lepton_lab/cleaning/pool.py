# SPDX-License-Identifier: BSD-3-Clause
"""All samples of a data set in one row, with what is asked of them again and again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lepton_lab.datasets.edits import content_digest
from lepton_lab.datasets.splits import Split

if TYPE_CHECKING:
    from lepton_lab.datasets import Dataset


@dataclass(frozen=True)
class Pool:
    """The samples of all splits, one after the other.

    Attributes:
        samples: All of them as one split; labels are those of the user.
        sides: The split of each.
        digests: The content of each, hexadecimal.
        hashes: The perceptual hash of each; None where it is tiny, flat or was not decoded.
    """

    samples: Split
    sides: tuple[str, ...]
    digests: tuple[str, ...]
    hashes: tuple[int | None, ...]

    @classmethod
    def of(cls, data: Dataset) -> Pool:
        """The pool of a data set."""
        splits = data.splits()
        samples = [sample for split in splits for sample in split]
        return cls(
            Split("all", samples, data.classes, data.cache, data.content, data.labels),
            tuple(split.name for split in splits for _ in split),
            tuple(content_digest(sample, data.checks, data.content) for sample in samples),
            tuple(data.checks[sample.id].dhash for sample in samples),
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names."""
        return self.samples.classes

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class indexes as the user gave them, int64 (N,)."""
        found: NDArray[np.int64] = self.samples.targets
        return found

    @cached_property
    def places(self) -> dict[str, int]:
        """Sample id -> its place."""
        return {sample.id: place for place, sample in enumerate(self.samples)}

    def on(self, side: str) -> NDArray[np.bool_]:
        """Which samples are of a split, bool (N,)."""
        return np.array([name == side for name in self.sides], dtype=bool)

    def __len__(self) -> int:
        return len(self.sides)
