# SPDX-License-Identifier: BSD-3-Clause
"""How often a classifier is right: accuracy, precision, recall, F1, log loss.

Everything that depends only on which class was predicted is a function of three counts per class:
how often it was hit, how often it was true (its support), how often it was predicted. `Counts`
holds them for one evaluation, or for a thousand resamples at once (a leading axis), so a point
estimate and its bootstrap run the same line of code.

A class that no sample belongs to has no precision, recall or F1: its entry is NaN, and a macro
average is taken over the classes that are present (`present` says which). A class that is present
but never predicted has precision 0, as in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Average = Literal["macro", "micro", "weighted"]
Floats = NDArray[np.float64]


def confusion_matrix(
    targets: NDArray[np.integer], predictions: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """How often class `row` was taken for class `column`.

    Args:
        targets: Integer (N,), true classes.
        predictions: Integer (N,), predicted classes.
        classes: Number of classes C.

    Returns:
        Int64 (C, C).

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    cells = targets.astype(np.int64) * classes + predictions
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True)
class Counts:
    """Three numbers per class; arrays of shape (..., C) with any leading axes.

    Attributes:
        hits: Samples of the class that were predicted as it.
        support: Samples of the class.
        predicted: Samples that were predicted as the class.
    """

    hits: NDArray[np.int64]
    support: NDArray[np.int64]
    predicted: NDArray[np.int64]

    @classmethod
    def of(cls, confusion: NDArray[np.int64]) -> Counts:
        """The counts of a confusion matrix (..., C, C), true classes in rows."""
        hits = np.diagonal(confusion, axis1=-2, axis2=-1)
        return cls(hits, confusion.sum(axis=-1), confusion.sum(axis=-2))

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which classes have at least one sample, bool (..., C)."""
        return self.support > 0


def precision_per_class(counts: Counts) -> Floats:
    """Share of the predictions of a class that are right, (..., C); NaN for absent classes."""
    return _ratio(counts.hits, counts.predicted, counts.present)


def recall_per_class(counts: Counts) -> Floats:
    """Share of the samples of a class that are found, (..., C); NaN for absent classes."""
    return _ratio(counts.hits, counts.support, counts.present)


def f1_per_class(counts: Counts) -> Floats:
    """Harmonic mean of precision and recall, (..., C); NaN for absent classes."""
    return _ratio(2 * counts.hits, counts.support + counts.predicted, counts.present)


def accuracy(counts: Counts) -> Floats:
    """Share of samples whose predicted class is the true one, (...)."""
    return np.asarray(counts.hits.sum(axis=-1) / counts.support.sum(axis=-1))


def balanced_accuracy(counts: Counts) -> Floats:
    """Mean recall of the classes that are present, (...): each class weighs the same."""
    return _macro(recall_per_class(counts))


def precision(counts: Counts, average: Average = "macro") -> Floats:
    """Precision over all classes, (...): macro, micro (= accuracy) or weighted by support."""
    return _average(precision_per_class, counts, average)


def recall(counts: Counts, average: Average = "macro") -> Floats:
    """Recall over all classes, (...): macro, micro (= accuracy) or weighted by support."""
    return _average(recall_per_class, counts, average)


def f1(counts: Counts, average: Average = "macro") -> Floats:
    """F1 over all classes, (...): macro, micro (= accuracy) or weighted by support."""
    return _average(f1_per_class, counts, average)


FROM_COUNTS: dict[str, Callable[[Counts], Floats]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "precision_micro": partial(precision, average="micro"),
    "recall_micro": partial(recall, average="micro"),
    "f1_micro": partial(f1, average="micro"),
    "precision_weighted": partial(precision, average="weighted"),
    "recall_weighted": partial(recall, average="weighted"),
    "f1_weighted": partial(f1, average="weighted"),
}
"""Every metric that needs only the counts, by the name under which it is reported."""


def predictions_of(probabilities: NDArray[np.floating]) -> NDArray[np.int64]:
    """The most probable class per row, int64 (N,); of equal ones the first."""
    return np.asarray(probabilities.argmax(axis=1), np.int64)


def in_top_k(
    probabilities: NDArray[np.floating], targets: NDArray[np.int64], k: int
) -> NDArray[np.bool_]:
    """Whether the true class is among the k most probable, bool (N,).

    Of equally probable classes the first ones win, as in `predictions_of`, so that k = 1 is exactly
    accuracy and a model that answers the same for every class gains nothing from ties.
    """
    own = np.take_along_axis(probabilities, targets[:, None], axis=1)
    earlier = np.arange(probabilities.shape[1]) < targets[:, None]
    ahead = (probabilities > own) | ((probabilities == own) & earlier)
    return np.asarray(ahead.sum(axis=1) < k)


def sample_losses(probabilities: NDArray[np.floating], targets: NDArray[np.int64]) -> Floats:
    """Negative log probability of the true class, float64 (N,), in nats.

    A probability of 0 counts as the smallest step of its own type, as in scikit-learn, so that one
    underflow cannot make the mean infinite.
    """
    own = np.take_along_axis(probabilities, targets[:, None], axis=1)[:, 0]
    smallest = np.finfo(probabilities.dtype).eps
    return -np.log(np.clip(own.astype(np.float64), smallest, 1.0))


def _average(per_class: Callable[[Counts], Floats], counts: Counts, average: Average) -> Floats:
    if average == "micro":
        return accuracy(counts)  # one label per sample: the pooled ratios are all the accuracy
    values = per_class(counts)
    if average == "macro":
        return _macro(values)
    if average == "weighted":
        total = np.nansum(values * counts.support, axis=-1)
        return np.asarray(total / counts.support.sum(axis=-1))
    raise ValueError(f"average is 'macro', 'micro' or 'weighted', not {average!r}")


def _macro(values: Floats) -> Floats:
    here = ~np.isnan(values)
    return np.asarray(np.where(here, values, 0.0).sum(axis=-1) / here.sum(axis=-1))


def _ratio(part: NDArray[Any], whole: NDArray[Any], present: NDArray[np.bool_]) -> Floats:
    value = np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)
    return np.where(present, value, np.nan)
