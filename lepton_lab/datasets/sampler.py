# SPDX-License-Identifier: BSD-3-Clause
"""In which order samples come, and which random numbers each one gets: pure functions of integers.

The order of an epoch depends on (seed, epoch) alone, and what augmentation does to a sample on
(seed, epoch, index) alone. There is no state to save: a run that is resumed at any step, with any
number of loader workers, sees the same pixels as one that was never stopped.
"""

from __future__ import annotations

import hashlib
import random
import struct

import numpy as np

_MASK = (1 << 64) - 1


def order(seed: int, epoch: int, count: int, shuffle: bool = True) -> np.ndarray:
    """The order of `count` samples in an epoch.

    Args:
        seed: Seed of the run, any integer.
        epoch: The epoch, counted from 0 or 1 as the caller likes.
        count: Number of samples.
        shuffle: False gives 0, 1, 2, ...

    Returns:
        int64 (count,), each index once.

    >>> order(1, 0, 5, shuffle=False).tolist()
    [0, 1, 2, 3, 4]
    >>> sorted(order(1, 0, 5).tolist())
    [0, 1, 2, 3, 4]
    """
    if not shuffle:
        return np.arange(count, dtype=np.int64)
    key = np.array([seed & _MASK, epoch & _MASK], dtype=np.uint64)
    return (
        np.random.Generator(np.random.Philox(key=key))
        .permutation(count)
        .astype(np.int64, copy=False)
    )


def sample_seed(seed: int, epoch: int, index: int) -> int:
    """63 bits for one sample of one epoch, well mixed: neighbours have nothing in common.

    >>> sample_seed(1, 0, 7) == sample_seed(1, 0, 7), sample_seed(1, 0, 7) == sample_seed(1, 1, 7)
    (True, False)
    """
    packed = struct.pack("<QQQ", seed & _MASK, epoch & _MASK, index & _MASK)
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "little") >> 1


def seed_sample(seed: int, epoch: int, index: int) -> None:
    """Seed `random`, NumPy's global generator and torch's CPU generator for one sample.

    Any augmentation, ours or a library's, that draws from them becomes reproducible. Torch's
    default generator is seeded directly: `torch.manual_seed` would also queue seeds for
    accelerators, which costs two hundred times as much.
    """
    import torch

    value = sample_seed(seed, epoch, index)
    random.seed(value)
    np.random.seed(value & 0xFFFFFFFF)
    torch.default_generator.manual_seed(value)
