# SPDX-License-Identifier: BSD-3-Clause
"""Fewer points, the same picture.

A screen is a few hundred pixels wide, a run may have a million steps. `fewer` first keeps the lowest and
the highest point of many small buckets (min-max), so that no spike is lost, then of those the points that
span the largest triangles with their neighbours (largest-triangle-three-buckets), which draws a curve
where min-max alone would draw a saw. Every point that is left is a point of the series; nothing is
averaged, and a gap stays a gap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CANDIDATES = 3
SMALL = 20


def fewer(x: Floats, y: Floats, limit: int) -> tuple[Floats, Floats]:
    """At most `limit` of the points, those that shape the curve.

    The first and the last point, the lowest and the highest value and, where anything is not finite, a
    gap are always kept.

    Args:
        x: (N,) positions in drawing order.
        y: (N,) values; nan and infinities are gaps.
        limit: The most points to return, at least 5.

    Returns:
        Two arrays of the same length, a subset of the points in the same order.

    >>> x = np.arange(10_000.0)
    >>> few_x, few_y = fewer(x, np.where(x == 5000, 9.0, np.sin(x)), 100)
    >>> len(few_x) <= 100, float(few_x[few_y == 9.0][0])
    (True, 5000.0)
    """
    if len(x) <= limit or limit < SMALL:
        return min_max(x, y, limit)
    x, y = min_max(x, y, CANDIDATES * limit)
    if len(x) <= limit:
        return x, y
    finite = np.flatnonzero(np.isfinite(y))
    gaps = np.flatnonzero(~np.isfinite(y))
    gaps = gaps[np.linspace(0, len(gaps) - 1, min(len(gaps), limit // 3)).astype(int)]
    ends = [0, len(x) - 1]
    if len(finite):
        ends += [finite[y[finite].argmin()], finite[y[finite].argmax()]]
        room = limit - len(gaps) - len(ends)
        finite = finite[_largest_triangles(x[finite], y[finite], room)]
    kept = np.unique(np.concatenate([finite, gaps, ends]).astype(np.intp))
    return x[kept], y[kept]


def min_max(x: Floats, y: Floats, limit: int) -> tuple[Floats, Floats]:
    """At most `limit` of the points, the extremes of each bucket among them.

    The first and the last point are always kept, and in each bucket the lowest, the highest and,
    where there is one, the first point that is not finite.

    Args:
        x: (N,) positions in drawing order.
        y: (N,) values; nan and infinities are gaps.
        limit: The most points to return, at least 5.

    Returns:
        Two arrays of the same length, a subset of the points in the same order.
    """
    if limit < 5:
        raise ValueError(f"limit must be at least 5, got {limit}")
    if len(x) <= limit:
        return x, y
    kept = _extremes(y, limit)
    return x[kept], y[kept]


def _extremes(y: Floats, limit: int) -> NDArray[np.intp]:
    y = np.ascontiguousarray(y)
    gaps = ~np.isfinite(y)
    if not gaps.any():
        width = -(-len(y) // ((limit - 2) // 2))
        kept = [_per_bucket(y, width, np.argmin), _per_bucket(y, width, np.argmax)]
    else:
        width = -(-len(y) // ((limit - 2) // 3))
        first = _per_bucket(gaps, width, np.argmax)
        kept = [
            _per_bucket(np.where(gaps, np.inf, y), width, np.argmin),
            _per_bucket(np.where(gaps, -np.inf, y), width, np.argmax),
            first[gaps[first]],
        ]
    return np.unique(np.concatenate([*kept, [0, len(y) - 1]]))


def _per_bucket(values: NDArray[Any], width: int, choose: Callable[..., Any]) -> NDArray[np.intp]:
    """The place that `choose` finds in each bucket of `width`; the last bucket may be shorter."""
    whole = len(values) // width
    body = values[: whole * width].reshape(whole, width)
    places = choose(body, axis=1) + np.arange(whole) * width
    rest = values[whole * width :]
    return np.append(places, whole * width + choose(rest)) if len(rest) else places


def _largest_triangles(x: Floats, y: Floats, limit: int) -> NDArray[np.intp]:
    """Largest-triangle-three-buckets over finite points; plain lists are fastest at this size."""
    count = len(x)
    if count <= limit:
        return np.arange(count)
    xs, ys = x.tolist(), y.tolist()
    edges = np.linspace(1, count - 1, limit - 1).astype(int).tolist()
    kept, left = [0], 0
    for start, end, after in zip(edges, edges[1:], [*edges[2:], count], strict=False):
        size = after - end
        mean_x, mean_y = sum(xs[end:after]) / size, sum(ys[end:after]) / size
        left_x, left_y = xs[left], ys[left]
        wide, high = left_x - mean_x, mean_y - left_y
        areas = [
            abs(wide * (b - left_y) - (left_x - a) * high)
            for a, b in zip(xs[start:end], ys[start:end], strict=True)
        ]
        left = start + areas.index(max(areas))
        kept.append(left)
    return np.array([*kept, count - 1])
