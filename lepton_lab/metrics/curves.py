# SPDX-License-Identifier: BSD-3-Clause
"""How well probabilities rank: ROC and precision-recall curves, each class against the rest.

A curve visits every distinct score as a threshold ("predict the class when its probability is at
least this"). The area under the ROC curve is the chance that a sample of the class is scored above
one of the others, ties counting half; average precision is the mean precision at each sample of
the class. A class with no sample, or with no sample outside it, has no curve: its area is NaN and
a macro average is taken over the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Thresholds:
    """Samples counted at each distinct score, highest first.

    Attributes:
        score: The distinct scores, (T,).
        true: Samples of the class scored at least this, int64 (T,).
        false: Other samples scored at least this, int64 (T,).
        group: For each sample, in the order given, the index of its score; int64 (N,).
    """

    score: Floats
    true: NDArray[np.int64]
    false: NDArray[np.int64]
    group: NDArray[np.int64]

    @classmethod
    def of(cls, scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> Thresholds:
        """Count at each distinct value of `scores` (N,); `positive` (N,) marks the class."""
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
        true = np.cumsum(positive[order])[ends]
        group = np.empty(len(ranked), np.int64)
        group[order] = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
        return cls(ranked[ends].astype(np.float64), true, ends + 1 - true, group)

    @property
    def rankable(self) -> bool:
        """Whether there are samples both inside and outside the class."""
        return bool(self.true[-1] > 0 and self.false[-1] > 0)


def roc_curve(
    scores: NDArray[np.floating], positive: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """The ROC curve of one class.

    Args:
        scores: Float (N,), the probability of the class.
        positive: Bool (N,), who belongs to it.

    Returns:
        False positive rate, true positive rate, threshold; each (T + 1,), from (0, 0) to (1, 1),
        the first threshold infinite. Rates are NaN where there is nothing to divide by.
    """
    at = Thresholds.of(scores, positive)
    rates = [_share(np.append(0, part), int(part[-1])) for part in (at.false, at.true)]
    return rates[0], rates[1], np.append(np.inf, at.score)


def precision_recall_curve(
    scores: NDArray[np.floating], positive: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """The precision-recall curve of one class.

    Args:
        scores: Float (N,), the probability of the class.
        positive: Bool (N,), who belongs to it.

    Returns:
        Precision, recall, threshold; each (T + 1,), from recall 0 (precision 1, threshold infinite)
        to recall 1. Recall is NaN when the class has no sample.
    """
    at = Thresholds.of(scores, positive)
    precision = np.append(1.0, at.true / (at.true + at.false))
    return precision, _share(np.append(0, at.true), int(at.true[-1])), np.append(np.inf, at.score)


def auc_of(at: Thresholds) -> float:
    """Area under the ROC curve (Mann-Whitney: ties count half); NaN when it does not exist."""
    if not at.rankable:
        return float("nan")
    x, y = np.append(0, at.false), np.append(0, at.true)
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1])) / (2.0 * x[-1] * y[-1]))


def average_precision_of(at: Thresholds) -> float:
    """Mean precision at each sample of the class; NaN when it does not exist."""
    if not at.rankable:
        return float("nan")
    gained = np.diff(at.true, prepend=0)
    return float(np.sum(gained * at.true / (at.true + at.false)) / at.true[-1])


def roc_auc_per_class(probabilities: NDArray[np.floating], targets: NDArray[np.int64]) -> Floats:
    """Area under the ROC curve of each class against the rest, float64 (C,)."""
    return np.array([auc_of(at) for at in one_against_rest(probabilities, targets)])


def average_precision_per_class(
    probabilities: NDArray[np.floating], targets: NDArray[np.int64]
) -> Floats:
    """Average precision of each class against the rest, float64 (C,)."""
    return np.array([average_precision_of(at) for at in one_against_rest(probabilities, targets)])


def roc_auc(
    probabilities: NDArray[np.floating],
    targets: NDArray[np.int64],
    average: Literal["macro", "weighted"] = "macro",
) -> float:
    """One-against-rest area under the ROC curve; for two classes it is the binary one.

    Args:
        probabilities: Float (N, C).
        targets: Int64 (N,).
        average: Over the classes that have a curve: macro, or weighted by their samples.
    """
    return average_over_classes(roc_auc_per_class(probabilities, targets), targets, average)


def average_precision(
    probabilities: NDArray[np.floating],
    targets: NDArray[np.int64],
    average: Literal["macro", "weighted"] = "macro",
) -> float:
    """One-against-rest average precision, over both classes when there are two.

    Args:
        probabilities: Float (N, C).
        targets: Int64 (N,).
        average: Over the classes that have a curve: macro, or weighted by their samples.
    """
    values = average_precision_per_class(probabilities, targets)
    return average_over_classes(values, targets, average)


def one_against_rest(
    probabilities: NDArray[np.floating], targets: NDArray[np.int64]
) -> list[Thresholds]:
    """The thresholds of each class against the rest, C of them."""
    classes = range(probabilities.shape[1])
    return [Thresholds.of(probabilities[:, c], targets == c) for c in classes]


def average_over_classes(
    values: Floats, targets: NDArray[np.int64], average: Literal["macro", "weighted"] = "macro"
) -> float:
    """Mean of per-class values (C,) over the classes that have one; NaN when none has."""
    here = ~np.isnan(values)
    if not here.any():
        return float("nan")
    support = np.bincount(targets, minlength=len(values))[here]
    return float(np.average(values[here], weights=support if average == "weighted" else None))


def reduce_curve(x: Floats, y: Floats, points: int = 200) -> tuple[Floats, Floats]:
    """At most `points` points of a curve, both ends kept, evenly spaced along its path.

    Spacing by path length keeps steep and flat parts alike; every point kept is one of the curve.

    >>> x, y = reduce_curve(np.linspace(0, 1, 1000), np.linspace(0, 1, 1000), 5)
    >>> len(x), float(x[0]), float(x[-1])
    (5, 0.0, 1.0)
    """
    if len(x) <= points:
        return x, y
    path = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    wanted = np.linspace(0, path[-1], points)
    keep = np.unique(np.append(np.searchsorted(path, wanted[:-1]), len(x) - 1))
    return x[keep], y[keep]


def _share(part: NDArray[np.int64], whole: int) -> Floats:
    return part / whole if whole else np.full(len(part), np.nan)
