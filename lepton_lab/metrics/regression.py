# SPDX-License-Identifier: BSD-3-Clause
"""How far predicted numbers are from the true ones, with 95 % intervals.

Every metric here is a function of means over the samples (of the absolute and the squared error, of
the squares of both sides), so a bootstrap resample is a weighted mean of the same columns and a
thousand of them are one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lepton_lab.errors import DataError
from lepton_lab.metrics import intervals as iv

Floats = NDArray[np.float64]

REGRESSION: tuple[str, ...] = ("rmse", "mae", "r2", "pearson", "spearman")
"""The metrics of `regression_values`, the headline first."""

LOWER: frozenset[str] = frozenset({"rmse", "mae"})
"""Those of them of which less is better."""


def check_numbers(
    predictions: ArrayLike, targets: ArrayLike, ids: Sequence[str] | None = None
) -> tuple[Floats, Floats]:
    """Both arrays as float64 (N,), checked.

    Args:
        predictions: Predicted numbers, (N,) or (N, 1).
        targets: True numbers, the same shape.
        ids: Names of the samples, to say which one is wrong.

    Raises:
        DataError: Nothing to evaluate, shapes that do not belong together, NaN or infinity.
    """
    p, t = (np.asarray(values, np.float64) for values in (predictions, targets))
    p, t = (v[:, 0] if v.ndim == 2 and v.shape[1] == 1 else v for v in (p, t))
    if p.ndim != 1 or p.shape != t.shape:
        raise DataError(
            "Predictions and targets do not belong together.",
            f"Needed are two arrays of shape (N,); found {p.shape} and {t.shape}.",
        )
    if not len(p):
        raise DataError("There is nothing to evaluate.", "The predictions are empty.")
    for values, whose in ((p, "The model returned"), (t, "The targets hold")):
        wrong = ~np.isfinite(values)
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            name = f"sample {first}" if ids is None else f"'{ids[first]}'"
            raise DataError(
                f"{whose} NaN or infinity for {wrong.sum()} of {len(p)} samples.",
                f"The first one is {name}.",
            )
    return p, t


def mean_absolute_error(predictions: ArrayLike, targets: ArrayLike) -> float:
    """The mean distance, in the unit of the target; 0 is best."""
    return regression_values(predictions, targets)["mae"]


def root_mean_squared_error(predictions: ArrayLike, targets: ArrayLike) -> float:
    """The root of the mean squared error, in the unit of the target; 0 is best."""
    return regression_values(predictions, targets)["rmse"]


def r_squared(predictions: ArrayLike, targets: ArrayLike) -> float:
    """The share of the target's variance that is explained; 1 is best, 0 is the mean of the targets.

    NaN when all targets are the same.
    """
    return regression_values(predictions, targets)["r2"]


def regression_values(predictions: ArrayLike, targets: ArrayLike) -> dict[str, float]:
    """Every metric of `REGRESSION` by name; NaN where it does not exist.

    Args:
        predictions: Predicted numbers, (N,).
        targets: True numbers, (N,).

    Raises:
        DataError: See `check_numbers`.

    >>> regression_values([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])["mae"]
    0.3333333333333333
    """
    means = _columns(*check_numbers(predictions, targets)).mean(axis=0)
    return {name: float(metric(means)) for name, metric in _METRICS.items()}


def regression_intervals(
    predictions: ArrayLike,
    targets: ArrayLike,
    *,
    resamples: int = iv.RESAMPLES,
    seed: int = 0,
) -> dict[str, iv.Interval]:
    """The 95 % percentile bootstrap interval of every metric, over the samples.

    The ranks behind Spearman's correlation are those of the whole sample in each resample.

    Args:
        predictions: Predicted numbers, (N,).
        targets: True numbers, (N,).
        resamples: How many.
        seed: The same predictions and seed give the same intervals.
    """
    columns = _columns(*check_numbers(predictions, targets))
    means, drawn = columns.mean(axis=0), iv.resample_means(columns, resamples=resamples, seed=seed)
    return {
        name: iv.percentile(metric(drawn), float(metric(means)))
        for name, metric in _METRICS.items()
    }


def _columns(p: Floats, t: Floats) -> Floats:
    """The columns (N, 12) whose means every metric is made of; both sides are centred first."""
    error = p - t
    parts = [np.abs(error), error * error]
    for a, b in ((p, t), (_ranks(p), _ranks(t))):
        a, b = _centred(a), _centred(b)
        parts += [a, b, a * a, b * b, a * b]
    return np.column_stack(parts)


def _centred(values: Floats) -> Floats:
    """Without its mean; a column of one value is exactly 0, which a rounded mean would miss."""
    return values * 0.0 if np.ptp(values) == 0 else values - values.mean()


def _rmse(means: Floats) -> Floats:
    return np.sqrt(means[..., 1])


def _mae(means: Floats) -> Floats:
    return means[..., 0]


def _r2(means: Floats) -> Floats:
    return 1 - _ratio(means[..., 1], means[..., 5] - means[..., 3] ** 2)


def _correlation(first: int) -> Callable[[Floats], Floats]:
    """Pearson's correlation of the five columns from `first` on."""

    def correlation(means: Floats) -> Floats:
        a, b, aa, bb, ab = (means[..., first + i] for i in range(5))
        spread = np.clip(aa - a * a, 0, None) * np.clip(bb - b * b, 0, None)
        return np.clip(_ratio(ab - a * b, np.sqrt(spread)), -1.0, 1.0)

    return correlation


_METRICS: dict[str, Callable[[Floats], Floats]] = {
    "rmse": _rmse,
    "mae": _mae,
    "r2": _r2,
    "pearson": _correlation(2),
    "spearman": _correlation(7),
}


def _ratio(part: Floats, whole: Floats) -> Floats:
    """NaN where there is nothing to divide by."""
    return np.asarray(part / np.where(whole > 0, whole, np.nan))


def _ranks(values: Floats) -> Floats:
    """Ranks from 1 on; equal values share the mean of theirs."""
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(times)
    return np.asarray((last - (times - 1) / 2)[place], np.float64)
