# SPDX-License-Identifier: BSD-3-Clause
"""Fewer points, the same picture.

A screen is a few hundred pixels wide, a run may have a million steps. Min-max decimation cuts the
series into buckets and keeps the lowest and the highest point of each: every spike that the full
line would show is still there, at its own step and with its own value. Nothing is averaged, and a
gap stays a gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def min_max(x: Floats, y: Floats, limit: int) -> tuple[Floats, Floats]:
    """At most `limit` of the points, the extremes among them.

    The first and the last point are always kept, and in each bucket the lowest, the highest and,
    where there is one, the first point that is not finite.

    Args:
        x: (N,) positions in drawing order.
        y: (N,) values; nan and infinities are gaps.
        limit: The most points to return, at least 5.

    Returns:
        Two arrays of the same length, a subset of the points in the same order.

    >>> x = np.arange(10_000.0)
    >>> few_x, few_y = min_max(x, np.where(x == 5000, 9.0, np.sin(x)), 100)
    >>> len(few_x) <= 100, float(few_x[few_y == 9.0][0])
    (True, 5000.0)
    """
    if limit < 5:
        raise ValueError(f"limit must be at least 5, got {limit}")
    if len(x) <= limit:
        return x, y
    kept = _kept(y, limit)
    return x[kept], y[kept]


def _kept(y: Floats, limit: int) -> NDArray[np.intp]:
    gaps = ~np.isfinite(y)
    buckets = (limit - 2) // (3 if gaps.any() else 2)
    width = -(-len(y) // buckets)
    index = np.minimum(np.arange(buckets * width), len(y) - 1).reshape(buckets, width)
    rows = np.arange(buckets)
    low = index[rows, np.where(gaps, np.inf, y)[index].argmin(axis=1)]
    high = index[rows, np.where(gaps, -np.inf, y)[index].argmax(axis=1)]
    kept = [low, high, np.array([0, len(y) - 1])]
    if gaps.any():
        kept.append(index[rows, gaps[index].argmax(axis=1)][gaps[index].any(axis=1)])
    return np.unique(np.concatenate(kept))
