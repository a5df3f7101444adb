# SPDX-License-Identifier: BSD-3-Clause
"""What the mistakes of a yes-or-no decision cost, and the threshold at which they cost least.

"Yes" is said when the probability is at least the threshold. A missed yes and a false yes rarely
cost the same: a stolen card costs more than a phone call. The threshold is chosen on one part of the
data (val) and its cost is told on another (test): on the part it was chosen on it looks too good.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lepton_lab.errors import DataError
from lepton_lab.metrics import intervals as iv
from lepton_lab.metrics.curves import Thresholds

_NEVER = math.nextafter(1.0, 2.0)


@dataclass(frozen=True)
class Cost:
    """The cost of deciding at one threshold.

    Attributes:
        threshold: "Yes" from this probability on; above 1 nothing is a yes.
        per_sample: The mean cost of a sample.
        low: Lower end of its 95 % interval.
        high: Upper end.
        false_positives: Samples that were called yes and are not.
        false_negatives: Samples that are yes and were not called so.
        always_no: The mean cost of calling nothing yes.
        always_yes: The mean cost of calling everything yes.
        n: Samples.
    """

    threshold: float
    per_sample: float
    low: float
    high: float
    false_positives: int
    false_negatives: int
    always_no: float
    always_yes: float
    n: int

    def __str__(self) -> str:
        return (
            f"cost {self.per_sample:.4g} [{self.low:.4g}, {self.high:.4g}] per sample at threshold "
            f"{self.threshold:.3f}: {self.false_positives} false alarms, {self.false_negatives} missed "
            f"of {self.n} (always no {self.always_no:.4g}, always yes {self.always_yes:.4g})"
        )


def cost_at(
    threshold: float,
    scores: ArrayLike,
    positive: ArrayLike,
    *,
    false_positive: float = 1.0,
    false_negative: float = 1.0,
    resamples: int = iv.RESAMPLES,
    seed: int = 0,
) -> Cost:
    """The cost of saying yes from `threshold` on, with its 95 % bootstrap interval.

    Args:
        threshold: The least probability that is a yes.
        scores: Float (N,), the probability of yes.
        positive: Bool (N,), what is a yes.
        false_positive: Cost of one false alarm.
        false_negative: Cost of one missed yes.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Raises:
        DataError: Nothing to evaluate, arrays that do not belong together, or a cost below 0.

    >>> cost_at(0.5, [0.9, 0.6, 0.2], [True, False, True], false_negative=5).per_sample
    2.0
    """
    p, t = _checked(scores, positive, false_positive, false_negative)
    yes = p >= threshold
    each = np.where(yes & ~t, false_positive, 0.0) + np.where(~yes & t, false_negative, 0.0)
    drawn = iv.resample_means(each[:, None], resamples=resamples, seed=seed)[:, 0]
    low, high = iv.percentile(drawn, float(each.mean()))
    return Cost(
        threshold=float(threshold),
        per_sample=float(each.mean()),
        low=low,
        high=high,
        false_positives=int((yes & ~t).sum()),
        false_negatives=int((~yes & t).sum()),
        always_no=float(t.mean() * false_negative),
        always_yes=float((~t).mean() * false_positive),
        n=len(t),
    )


def best_threshold(
    scores: ArrayLike,
    positive: ArrayLike,
    *,
    false_positive: float = 1.0,
    false_negative: float = 1.0,
) -> float:
    """The threshold with the least cost on these samples; choose it on val, never on test.

    Where several cost the same, the one is taken that is nearest to alarm / (alarm + miss): with true
    probabilities that is the best of all. It keeps away from the scores on either side, so that one which
    differs by a rounding error is decided the same way.

    Args:
        scores: Float (N,), the probability of yes.
        positive: Bool (N,), what is a yes.
        false_positive: Cost of one false alarm.
        false_negative: Cost of one missed yes.

    Raises:
        DataError: As `cost_at`.

    >>> round(best_threshold([0.9, 0.6, 0.1], [True, True, False]), 3)
    0.5
    """
    p, t = _checked(scores, positive, false_positive, false_negative)
    at = Thresholds.of(p, t)
    alarms = np.append(0, at.false) * false_positive
    missed = (int(t.sum()) - np.append(0, at.true)) * false_negative
    wanted = false_positive / ((false_positive + false_negative) or 1.0)
    edges = np.concatenate([[_NEVER], at.score, [0.0]])
    cheapest = np.flatnonzero(alarms + missed == (alarms + missed).min())
    found = [_within(edges[i + 1], edges[i], wanted) if i else _NEVER for i in cheapest]
    return float(min(found, key=lambda threshold: abs(threshold - wanted)))


def _within(low: float, high: float, wanted: float) -> float:
    """The value nearest to `wanted` that is well inside an interval."""
    margin = (high - low) / 10
    return min(max(wanted, low + margin), high - margin)


def _checked(
    scores: ArrayLike, positive: ArrayLike, false_positive: float, false_negative: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    p, t = np.asarray(scores, np.float64), np.asarray(positive, np.bool_)
    if p.ndim != 1 or p.shape != t.shape or not len(p):
        raise DataError(
            "Scores and truth do not belong together.",
            f"Needed are two arrays of the same length; found shapes {p.shape} and {t.shape}.",
        )
    if not np.isfinite(p).all():
        raise DataError(
            "A score is NaN or infinite.", f"It is sample {int(np.argmin(np.isfinite(p)))}."
        )
    if min(false_positive, false_negative) < 0 or not math.isfinite(
        false_positive + false_negative
    ):
        raise DataError(
            "A cost has to be a number of at least 0.",
            f"Found false_positive={false_positive:g} and false_negative={false_negative:g}.",
        )
    return p, t
