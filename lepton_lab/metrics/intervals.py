# SPDX-License-Identifier: BSD-3-Clause
"""How sure a number is: 95 % intervals for every metric.

Shares of samples (accuracy, top-5) get Wilson's score interval; areas under curves a normal
interval on the logit scale from their influences (`influence.py`); everything else a percentile
bootstrap. Resampling N samples with replacement and counting them again is the same as drawing the
counts from a multinomial distribution, so the bootstrap draws the counts directly: the cells of
the confusion matrix, or one weight per sample for means.

Every interval contains its point, and a metric that no resample can move (no error seen in ten
samples) is not called certain: `unless_certain` falls back on Wilson.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lepton_lab.metrics.classification import Counts

Interval = tuple[float, float]
Floats = NDArray[np.float64]
LEVEL = 0.95
RESAMPLES = 1000
_DRAWS_AT_ONCE = 1 << 21  # 16 MB of weights


def wilson(successes: float, n: int, level: float = LEVEL) -> Interval:
    """The score interval of a share (Wilson, 1927).

    Args:
        successes: How many of the n; need not be whole.
        n: Number of samples; for 0 everything is possible.
        level: Coverage.

    >>> [round(bound, 3) for bound in wilson(10, 10)]
    [0.722, 1.0]
    """
    if n == 0:
        return 0.0, 1.0
    z, share = normal_quantile(level), successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))


def logit_interval(value: float, error: float, level: float = LEVEL) -> Interval:
    """A normal interval on the logit scale, for a number between 0 and 1 with its standard error.

    It stays inside 0 and 1 and is longer towards the middle, as the sampling distribution of an
    area is (Boyd et al., "Area under the Precision-Recall Curve", 2013).
    """
    if not 0 < value < 1:  # NaN too
        return value, value
    middle = math.log(value / (1 - value))
    half = normal_quantile(level) * error / (value * (1 - value))
    return min(_expit(middle - half), value), max(_expit(middle + half), value)


def percentile(resampled: Floats, point: float, level: float = LEVEL) -> Interval:
    """The middle of resampled values (B,), widened where needed to contain the point."""
    if math.isnan(point) or np.isnan(resampled).all():
        return math.nan, math.nan
    low, high = np.nanquantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return min(float(low), point), max(float(high), point)


def unless_certain(found: Interval, point: float, n: int, level: float = LEVEL) -> Interval:
    """`found`, or Wilson's interval of `point` of n when resampling could not move it at all."""
    return wilson(point * n, n, level) if found[0] == found[1] == point else found


def bootstrap(
    metric: Callable[..., float],
    *arrays: NDArray[Any],
    strata: NDArray[np.integer] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """The percentile bootstrap of any metric; it is called once per resample.

    Args:
        metric: Takes the resampled arrays, returns a number (NaN where it does not exist).
        *arrays: Arrays whose first axis is the samples, N long, resampled together.
        strata: Int (N,): resample within each value, so that its count stays (optional).
        resamples: How many.
        seed: Of the resampling; the same one gives the same interval.
        level: Coverage.
    """
    generator = np.random.default_rng(seed)
    n = len(arrays[0])
    groups = [np.arange(n)]
    if strata is not None:
        groups = [np.flatnonzero(strata == value) for value in np.unique(strata)]
    values = np.empty(resamples)
    for i in range(resamples):
        drawn = [group[generator.integers(0, len(group), len(group))] for group in groups]
        picked = np.concatenate(drawn)
        values[i] = metric(*(array[picked] for array in arrays))
    return percentile(values, float(metric(*arrays)), level)


def resample_counts(
    targets: NDArray[np.int64],
    predictions: Sequence[NDArray[np.int64]],
    classes: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    stratified: bool = False,
) -> list[Counts]:
    """The counts of bootstrap resamples, of one or several models on the same samples.

    Samples with the same truth and the same predictions are interchangeable, so a resample is one
    multinomial draw over the distinct combinations.

    Args:
        targets: Int64 (N,), true classes.
        predictions: One int64 (N,) per model.
        classes: Number of classes C.
        resamples: B, how many.
        seed: Of the resampling.
        stratified: Keep the number of samples of each class.

    Returns:
        For each model, counts of shape (B, C).
    """
    kinds, times = np.unique(np.stack([targets, *predictions]), axis=1, return_counts=True)
    generator = np.random.default_rng(seed)
    groups = [kinds[0] == value for value in np.unique(kinds[0])] if stratified else [...]
    drawn = np.empty((resamples, len(times)), np.int64)
    for group in groups:
        here = times[group]
        drawn[:, group] = generator.multinomial(here.sum(), here / here.sum(), size=resamples)
    support = _sum_by(drawn, kinds[0], classes)
    return [
        Counts(
            hits=_sum_by(drawn[:, kinds[0] == kind], kind[kinds[0] == kind], classes),
            support=support,
            predicted=_sum_by(drawn, kind, classes),
        )
        for kind in kinds[1:]
    ]


def resample_means(
    values: Floats, *, resamples: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """The column means of bootstrap resamples.

    Args:
        values: Float (N, K), one row per sample.
        resamples: B, how many.
        seed: Of the resampling.

    Returns:
        Float64 (B, K).
    """
    n = len(values)
    generator = np.random.default_rng(seed)
    step = max(1, _DRAWS_AT_ONCE // n)
    means = []
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        cells = generator.integers(0, n, (rows, n)) + np.arange(rows)[:, None] * n
        weights = np.bincount(cells.ravel(), minlength=rows * n).reshape(rows, n)
        means.append(weights.astype(np.float64) @ values / n)
    return np.concatenate(means)


def _sum_by(drawn: NDArray[np.int64], label: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Columns of (B, K) added up by their label (K,), into (B, classes)."""
    total = np.zeros((len(drawn), classes), np.int64)
    if len(label):
        order = np.argsort(label, kind="stable")
        names, starts = np.unique(label[order], return_index=True)
        total[:, names] = np.add.reduceat(drawn[:, order], starts, axis=1)
    return total


def normal_quantile(level: float = LEVEL) -> float:
    """How many standard errors reach to either side, 1.96 for 95 %."""
    return NormalDist().inv_cdf((1 + level) / 2)


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
