# SPDX-License-Identifier: BSD-3-Clause
"""How much each single sample moves an area under a curve.

The influence of a sample is the slope of the metric in that sample's weight (the infinitesimal
jackknife; Efron, "The Jackknife, the Bootstrap and Other Resampling Plans", 1982). Their mean
square over N is the variance of the metric, in one sort instead of a thousand. For the area under
the ROC curve this is exactly the variance of DeLong et al. (Biometrics 44, 1988), and because
influences of several classes, or of two models, on the same samples simply add and subtract, macro
averages and paired differences come out with their correlations right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lepton_lab.metrics.curves import Thresholds, auc_of, average_precision_of, one_against_rest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """An area for every class against the rest, with what each sample does to the macro average.

    Attributes:
        per_class: The area of each class, NaN where it does not exist; (C,).
        influence: Of each sample on the macro average; (N,), mean 0.
    """

    per_class: Floats
    influence: Floats

    @property
    def value(self) -> float:
        """The macro average over the classes that have an area; NaN when none has."""
        here = self.per_class[~np.isnan(self.per_class)]
        return float(here.mean()) if len(here) else float("nan")

    @property
    def standard_error(self) -> float:
        """Of the macro average."""
        return standard_error(self.influence)


def standard_error(influence: Floats) -> float:
    """The standard error of a metric from the influences (N,) of its samples."""
    return float(np.sqrt(np.sum(influence**2)) / len(influence))


def rank_classes(
    probabilities: NDArray[np.floating], targets: NDArray[np.int64]
) -> tuple[Ranked, Ranked]:
    """The area under the ROC curve, and the average precision, of all classes in one pass.

    Args:
        probabilities: Float (N, C).
        targets: Int64 (N,).
    """
    curves = one_against_rest(probabilities, targets)
    masks = [targets == c for c in range(len(curves))]
    return (
        _ranked(curves, masks, auc_of, auc_influence),
        _ranked(curves, masks, average_precision_of, average_precision_influence),
    )


def auc_influence(at: Thresholds, positive: NDArray[np.bool_]) -> Floats:
    """Of each sample (N,) on the area under one ROC curve.

    Scaled by the small-sample factor m / (m - 1) of each group, so that the standard error is
    DeLong's to the last digit.
    """
    n, true, false = len(positive), int(at.true[-1]), int(at.false[-1])
    below = 1 - (at.false + np.append(0, at.false[:-1])) / (2 * false)  # others ranked under this
    above = (at.true + np.append(0, at.true[:-1])) / (2 * true)  # of the class ranked over this
    placed = np.where(positive, below[at.group], above[at.group]) - auc_of(at)
    inside, outside = _small_sample(true) * n / true, _small_sample(false) * n / false
    return np.asarray(placed * np.where(positive, inside, outside))


def average_precision_influence(at: Thresholds, positive: NDArray[np.bool_]) -> Floats:
    """Of each sample (N,) on the average precision of one class.

    Three parts: the sample's own precision, what its presence does to the precision at every lower
    threshold, and the change of the share of the class.
    """
    n, true = len(positive), int(at.true[-1])
    seen = at.true + at.false
    gained = np.diff(at.true, prepend=0)
    from_here = np.cumsum((gained / seen)[::-1])[::-1]
    lost_here = np.cumsum((gained * at.true / seen**2)[::-1])[::-1]
    own = at.true / seen + from_here - average_precision_of(at)
    per_threshold = np.where(positive, own[at.group], 0.0) - lost_here[at.group]
    return np.asarray(per_threshold * (n / true))


def _ranked(
    curves: list[Thresholds],
    masks: list[NDArray[np.bool_]],
    value: Callable[[Thresholds], float],
    influence: Callable[[Thresholds, NDArray[np.bool_]], Floats],
) -> Ranked:
    per_class = np.array([value(at) for at in curves])
    here = np.flatnonzero(~np.isnan(per_class))
    total = np.zeros(len(masks[0]))
    for c in here:
        total += influence(curves[c], masks[c]) / len(here)
    return Ranked(per_class, total)


def _small_sample(count: int) -> float:
    return float(np.sqrt(count / (count - 1))) if count > 1 else 1.0
