# SPDX-License-Identifier: BSD-3-Clause
"""Which of two models is better, judged on the same samples.

Two intervals that overlap say little: most samples are easy or hard for both models, and that
shared luck cancels when the models are compared sample by sample. The difference is resampled in
pairs; for accuracy McNemar's exact test (1947) adds the chance of a split this uneven among the
samples on which just one model is right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lepton_lab.errors import DataError, NotFoundError, did_you_mean
from lepton_lab.metrics import intervals as iv
from lepton_lab.metrics.calibration import brier_scores
from lepton_lab.metrics.classification import FROM_COUNTS, in_top_k
from lepton_lab.metrics.influence import standard_error
from lepton_lab.metrics.measurement import LOWER_IS_BETTER, TOP, Measurement

COMPARABLE = (*FROM_COUNTS, "top5", "log_loss", "brier", "roc_auc", "average_precision")


@dataclass(frozen=True)
class PairedDifference:
    """The difference of a metric between two models, b minus a.

    Attributes:
        metric: Which one.
        difference: Its value for b minus its value for a.
        low: Lower end of the 95 % interval of the difference.
        high: Upper end.
        n: Samples both models were run on.
        p_value: McNemar's exact test; only for accuracy, else None.
    """

    metric: str
    difference: float
    low: float
    high: float
    n: int
    p_value: float | None = None

    @property
    def better(self) -> str:
        """`"a"`, `"b"`, or `""` when the interval contains no difference at all."""
        if math.isnan(self.difference) or self.low <= 0 <= self.high:
            return ""
        return "b" if (self.low > 0) != (self.metric in LOWER_IS_BETTER) else "a"

    def __str__(self) -> str:
        points = self.metric not in LOWER_IS_BETTER
        scale, unit, places = (100, " points", 1) if points else (1, "", 3)
        low, value, high = self.low * scale, self.difference * scale, self.high * scale
        about = f"{self.metric}, n = {self.n}"
        if self.p_value is not None:
            about += f", McNemar p {'< 0.001' if self.p_value < 0.001 else f'= {self.p_value:.2g}'}"
        if not self.better:
            span = f"{value:+.{places}f}{unit} [{low:.{places}f}, {high:.{places}f}]"
            return f"no difference shown: b - a = {span} ({about})"
        if value < 0:
            low, value, high = -high, -value, -low
        span = f"{value:.{places}f}{unit} [{low:.{places}f}, {high:.{places}f}]"
        return f"{self.better} is better by {span} ({about})"


def paired_difference(
    targets: ArrayLike,
    probabilities_a: ArrayLike,
    probabilities_b: ArrayLike,
    metric: str = "accuracy",
    *,
    resamples: int = iv.RESAMPLES,
    seed: int = 0,
) -> PairedDifference:
    """How much better b is than a on the same samples, with a 95 % interval.

    Args:
        targets: Integer (N,), true classes.
        probabilities_a: Float (N, C) of the first model.
        probabilities_b: Float (N, C) of the second, rows in the same order.
        metric: One of `COMPARABLE`.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Raises:
        NotFoundError: No such metric.
        DataError: The two were not run on the same samples and classes.
    """
    if metric not in COMPARABLE:
        near = did_you_mean(metric, COMPARABLE) or "There are: " + ", ".join(COMPARABLE) + "."
        raise NotFoundError(f"Two models cannot be compared by '{metric}'.", near)
    a, b = Measurement(probabilities_a, targets), Measurement(probabilities_b, targets)
    if a.probabilities.shape != b.probabilities.shape:
        raise DataError(
            "The two models do not tell the same classes apart.",
            f"Their probabilities have shapes {a.probabilities.shape} and {b.probabilities.shape}.",
        )
    difference, low, high = _difference(metric, a, b, resamples, seed)
    if low == high == difference == 0:  # no sample tells them apart: what n samples can rule out
        high = iv.wilson(0, a.n)[1]
        low = -high
    p = None
    if metric == "accuracy":
        p = mcnemar(a.predictions == a.targets, b.predictions == b.targets)
    return PairedDifference(metric, difference, low, high, a.n, p)


def paired_scores(
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    metric: str,
    *,
    resamples: int = iv.RESAMPLES,
    seed: int = 0,
) -> PairedDifference:
    """The mean difference of a number per sample, higher is better, with a 95 % bootstrap interval.

    Args:
        scores_a: Float (N,) of the first model.
        scores_b: Float (N,) of the second, same order.
        metric: What the number is.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    >>> found = paired_scores([0.1, 0.2, 0.3, 0.2], [0.4, 0.5, 0.5, 0.6], "overlap")
    >>> round(found.difference, 3), found.better
    (0.3, 'b')
    """
    values = np.asarray(scores_b, dtype=np.float64) - np.asarray(scores_a, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return PairedDifference(metric, math.nan, math.nan, math.nan, 0)
    drawn = iv.resample_means(values[:, None], resamples=resamples, seed=seed)[:, 0]
    mean = float(values.mean())
    return PairedDifference(metric, mean, *iv.percentile(drawn, mean), len(values))


def mcnemar(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> float:
    """The exact two-sided p-value that both models are right equally often.

    Args:
        right_a: Bool (N,), whether the first model is right.
        right_b: Bool (N,), whether the second is, same order.

    >>> mcnemar(np.array([True] * 6), np.array([False] * 6))
    0.03125
    """
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))
    n, fewer = only_a + only_b, min(only_a, only_b)
    whole = math.lgamma(n + 1)
    logs = [whole - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(fewer + 1)]
    tail = math.fsum(math.exp(value - n * math.log(2)) for value in logs)
    return min(1.0, round(2 * tail, 15))


def _difference(
    metric: str, a: Measurement, b: Measurement, resamples: int, seed: int
) -> tuple[float, float, float]:
    if metric in FROM_COUNTS:
        of = FROM_COUNTS[metric]
        drawn_a, drawn_b = iv.resample_counts(
            a.targets, [a.predictions, b.predictions], a.classes, resamples=resamples, seed=seed
        )
        point = float(of(b.counts) - of(a.counts))
        return point, *iv.percentile(of(drawn_b) - of(drawn_a), point)
    if metric in ("roc_auc", "average_precision"):
        which = ("roc_auc", "average_precision").index(metric)
        ranked_a, ranked_b = a.ranked[which], b.ranked[which]
        point = ranked_b.value - ranked_a.value
        half = iv.normal_quantile() * standard_error(ranked_b.influence - ranked_a.influence)
        return point, max(-1.0, point - half), min(1.0, point + half)
    values = _per_sample(metric, b) - _per_sample(metric, a)
    drawn = iv.resample_means(values[:, None], resamples=resamples, seed=seed)[:, 0]
    return float(values.mean()), *iv.percentile(drawn, float(values.mean()))


def _per_sample(metric: str, one: Measurement) -> NDArray[np.float64]:
    if metric == "top5":
        return in_top_k(one.probabilities, one.targets, TOP).astype(np.float64)
    if metric == "brier":
        return brier_scores(one.probabilities, one.targets)
    return one.losses
