# SPDX-License-Identifier: BSD-3-Clause
"""Texts on their way to a model: tokenised once, put beside texts of about their length, padded together.

What a tokenizer makes of a text is kept by the content of the text, so that no epoch tokenises again and
copies share their place. The order of an epoch depends on (seed, epoch) and the lengths alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lepton_lab.datasets.sampler import order

if TYPE_CHECKING:
    import torch

    from lepton_lab.runtime.text_input import TextPreparer

# Batches whose texts are sorted together: sorted further, an epoch would always go from short to long.
_WINDOW = 50
_SHUFFLE = 0x6C656E677468


class Item(NamedTuple):
    """A tokenised text: id, the arrays of the runtime, the label as a vector, its weight in the loss."""

    id: str
    row: dict[str, np.ndarray]
    label: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class TextBatch:
    """Tokenised texts of one batch.

    Attributes:
        ids: Names of the samples.
        inputs: What the module takes, int64 (N, T) each.
        labels: int64 (N,) classes, float32 (N, C) memberships or float32 (N,) numbers.
        weights: Weight of each sample (N,), or of each of its classes (N, C), in the loss.
    """

    ids: Sequence[str]
    inputs: Mapping[str, torch.Tensor]
    labels: torch.Tensor
    weights: torch.Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> TextBatch:
        """The samples `start` to `stop`, as long as they are in the whole batch."""
        part = slice(start, stop)
        inputs = {name: values[part] for name, values in self.inputs.items()}
        return replace(
            self,
            ids=self.ids[part],
            inputs=inputs,
            labels=self.labels[part],
            weights=self.weights[part],
        )


class Tokenised(NamedTuple):
    """A text as its tokenizer sees it.

    Attributes:
        row: The arrays of the runtime, int32.
        tokens: How many tokens it had before it was cut.
    """

    row: dict[str, np.ndarray]
    tokens: int

    @property
    def kept(self) -> int:
        """How many are left."""
        return len(self.row["input_ids"])


class TokenCache:
    """Tokenised texts by their content.

    Args:
        preparer: The runtime's preparer of the model.
    """

    def __init__(self, preparer: TextPreparer) -> None:
        self.preparer = preparer
        self._longest = int(preparer.rule["max_length"])
        self._known: dict[bytes, Tokenised] = {}

    def get(self, text: Any) -> Tokenised:
        """A text, or a pair of them, tokenised now or before."""
        key = blake2b(repr(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        found = self._known.get(key)
        if found is None:
            row = self.preparer.prepare(text)
            count = len(row["input_ids"])
            whole = self.preparer.tokens(text) if count >= self._longest else count
            small = {name: values.astype(np.int32) for name, values in row.items()}
            found = self._known[key] = Tokenised(small, whole)
        return found


def length_order(lengths: np.ndarray, seed: int, epoch: int, batch: int) -> np.ndarray:
    """An order of an epoch in which neighbours are about as long as each other.

    A random order is cut into windows of some batches; each window is sorted by length, and the batches of
    all windows are shuffled. The last batch, which may be short, stays the last.

    Args:
        lengths: int (N,), tokens of each sample.
        seed: Of the run.
        epoch: Which epoch.
        batch: Samples per batch.

    Returns:
        int64 (N,), each index once.

    >>> sorted(length_order(np.array([3, 1, 2, 9]), 1, 0, 2).tolist())
    [0, 1, 2, 3]
    """
    count = len(lengths)
    first = order(seed, epoch, count)
    width = batch * _WINDOW
    windows = [first[i : i + width] for i in range(0, count, width)]
    sorted_ = [part[np.argsort(lengths[part], kind="stable")] for part in windows]
    whole = np.concatenate(sorted_) if sorted_ else first
    batches = [whole[i : i + batch] for i in range(0, count, batch)]
    full = [part for part in batches if len(part) == batch]
    shuffled = [full[int(i)] for i in order(seed ^ _SHUFFLE, epoch, len(full))]
    return np.concatenate([*shuffled, *batches[len(full) :]]) if batches else first
