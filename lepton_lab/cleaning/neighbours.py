# SPDX-License-Identifier: BSD-3-Clause
"""Who is near whom in feature space, and whether their labels agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEAREST = 10
_CHUNK = 1024


def nearest(x: NDArray[np.float64], count: int = NEAREST) -> NDArray[np.int64]:
    """The samples with the most similar direction, the nearest first, none its own neighbour.

    Args:
        x: Float (N, d).
        count: How many; fewer when there are not so many.

    Returns:
        int64 (N, count).
    """
    count = min(count, len(x) - 1)
    unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    found = np.empty((len(x), count), dtype=np.int64)
    for start in range(0, len(x), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(x)))
        like = unit[rows] @ unit.T
        like[np.arange(len(rows)), rows] = -np.inf
        best = np.argpartition(-like, max(count - 1, 0), axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(like, best, axis=1), axis=1, kind="stable")
        found[rows] = np.take_along_axis(best, order, axis=1)
    return found


def votes(labels: NDArray[np.int64], near: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """How many neighbours of each sample bear each class, int64 (N, classes)."""
    return np.stack([(labels[near] == name).sum(axis=1) for name in range(classes)], axis=1)
