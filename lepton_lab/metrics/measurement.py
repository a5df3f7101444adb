# SPDX-License-Identifier: BSD-3-Clause
"""All metrics of one set of predictions, each computed once, when it is first asked for.

The names are those of scikit-learn and torchmetrics. `precision`, `recall`, `f1`, `roc_auc` and
`average_precision` are macro averages over the classes that are present; the other averages carry
their name (`f1_weighted`).
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lepton_lab.metrics import intervals as iv
from lepton_lab.metrics.calibration import brier_scores, calibration_gaps, calibration_noise
from lepton_lab.metrics.checks import check_predictions
from lepton_lab.metrics.classification import (
    FROM_COUNTS,
    Counts,
    confusion_matrix,
    in_top_k,
    predictions_of,
    sample_losses,
)
from lepton_lab.metrics.influence import Ranked, rank_classes

TOP = 5
LOWER_IS_BETTER = frozenset({"log_loss", "ece", "brier"})
SHARES = ("accuracy", "precision_micro", "recall_micro", "f1_micro", "recall_weighted")
"""Metrics that are a share of samples; with one label each they are all the accuracy."""


class Measurement:
    """Metrics and their intervals for probabilities (N, C) against targets (N,).

    Args:
        probabilities: Float (N, C), each row sums to one.
        targets: Integer (N,), true classes.
        resamples: Of the bootstrap behind the intervals that need one.
        seed: Of that bootstrap: the same predictions give the same intervals everywhere.

    Raises:
        DataError: The arrays are empty, do not fit, or are no probabilities.
    """

    def __init__(
        self,
        probabilities: ArrayLike,
        targets: ArrayLike,
        *,
        resamples: int = iv.RESAMPLES,
        seed: int = 0,
    ) -> None:
        self.probabilities, self.targets = check_predictions(probabilities, targets)
        self.resamples, self.seed = resamples, seed

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.targets)

    @property
    def classes(self) -> int:
        """Number of classes C, present or not."""
        return int(self.probabilities.shape[1])

    @cached_property
    def predictions(self) -> NDArray[np.int64]:
        """The most probable class of each sample, (N,)."""
        return predictions_of(self.probabilities)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """True classes in rows, predicted ones in columns, (C, C)."""
        return confusion_matrix(self.targets, self.predictions, self.classes)

    @cached_property
    def counts(self) -> Counts:
        """Hits, support and predictions per class, (C,)."""
        return Counts.of(self.confusion)

    @cached_property
    def losses(self) -> NDArray[np.float64]:
        """Negative log probability of the true class per sample, (N,), in nats."""
        return sample_losses(self.probabilities, self.targets)

    @cached_property
    def ranked(self) -> tuple[Ranked, Ranked]:
        """ROC area and average precision, per class and with influences."""
        return rank_classes(self.probabilities, self.targets)

    @cached_property
    def values(self) -> dict[str, float]:
        """Every headline metric by name; NaN where it does not exist."""
        found = {name: float(metric(self.counts)) for name, metric in FROM_COUNTS.items()}
        head = {"accuracy": found.pop("accuracy")}
        if self.classes > TOP:
            head["top5"] = float(in_top_k(self.probabilities, self.targets, TOP).mean())
        gaps, brier = self._means
        area, precision = self.ranked
        return {
            **head,
            **found,
            "log_loss": float(self.losses.mean()),
            "roc_auc": area.value,
            "average_precision": precision.value,
            "ece": float(np.abs(gaps.mean(axis=0)).sum()),
            "brier": float(brier.mean()),
        }

    @cached_property
    def intervals(self) -> dict[str, iv.Interval]:
        """The 95 % interval of every headline metric, in the same order."""
        found = {**self._share_intervals(), **self._count_intervals()}
        found |= self._mean_intervals() | self._area_intervals()
        return {name: found[name] for name in self.values}

    def _share_intervals(self) -> dict[str, iv.Interval]:
        names = [*SHARES, "top5"] if "top5" in self.values else SHARES
        return {name: iv.wilson(self.values[name] * self.n, self.n) for name in names}

    def _count_intervals(self) -> dict[str, iv.Interval]:
        (drawn,) = iv.resample_counts(
            self.targets, [self.predictions], self.classes, resamples=self.resamples, seed=self.seed
        )
        found = {}
        for name in FROM_COUNTS.keys() - set(SHARES):
            point = self.values[name]
            bounds = iv.percentile(FROM_COUNTS[name](drawn), point)
            found[name] = iv.unless_certain(bounds, point, self.n)
        return found

    def _mean_intervals(self) -> dict[str, iv.Interval]:
        gaps, brier = self._means
        columns = np.column_stack([self.losses, brier, gaps])
        drawn = iv.resample_means(columns, resamples=self.resamples, seed=self.seed)
        return {
            "log_loss": iv.percentile(drawn[:, 0], self.values["log_loss"]),
            "brier": iv.percentile(drawn[:, 1], self.values["brier"]),
            "ece": self._calibration_interval(np.abs(drawn[:, 2:]).sum(axis=1)),
        }

    def _calibration_interval(self, resampled: NDArray[np.float64]) -> iv.Interval:
        """Resampled calibration errors lie too high, as noise adds to every gap.

        The lower bound reflects them about the point (the basic bootstrap), and is 0 when a
        perfectly calibrated model would show as much by chance; the upper one stays the
        percentile.
        """
        point = self.values["ece"]
        low, high = iv.percentile(resampled, point)
        noise = calibration_noise(self.probabilities, resamples=self.resamples, seed=self.seed)
        if point <= np.quantile(noise, iv.LEVEL):
            return 0.0, high
        return max(0.0, min(2 * point - high, low)), high

    def _area_intervals(self) -> dict[str, iv.Interval]:
        found = {}
        for name, area in zip(("roc_auc", "average_precision"), self.ranked, strict=True):
            bounds = iv.logit_interval(area.value, area.standard_error)
            found[name] = bounds
            if not math.isnan(area.value):
                found[name] = iv.unless_certain(bounds, area.value, self._independent(area))
        return found

    def _independent(self, area: Ranked) -> int:
        """How many samples a perfect area rests on: rare classes carry as much of it as others.

        The areas of the K classes average K Wilson-like bounds of m samples each, so their number
        is K times the harmonic mean of m; both areas of a two-class problem are one and the same.
        """
        support = self.counts.support[~np.isnan(area.per_class)]
        if len(support) <= 2:
            return int(support.min())
        return int(len(support) ** 2 / np.sum(1 / support))

    @cached_property
    def _means(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        gaps = calibration_gaps(self.probabilities, self.targets)
        return gaps[:, gaps.any(axis=0)], brier_scores(self.probabilities, self.targets)
