# SPDX-License-Identifier: BSD-3-Clause
"""Whether a model that says 80 % is right 80 times out of 100.

The probability of the predicted class is the model's confidence. Samples are put into bins of
confidence; in each, the mean confidence is set against the share that is right. The expected
calibration error is the mean gap, weighted by the samples in each bin (Guo et al., "On Calibration
of Modern Neural Networks", 2017, arXiv 1706.04599).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15  # the number in Guo et al.
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy, per bin; arrays (bins,).

    Attributes:
        edges: Bounds of the bins, (bins + 1,); a bin holds its upper bound, not its lower one.
        count: Samples in the bin.
        confidence: Their mean confidence, NaN for an empty bin.
        accuracy: The share of them that is right, NaN for an empty bin.
    """

    edges: Floats
    count: NDArray[np.int64]
    confidence: Floats
    accuracy: Floats


def reliability(
    probabilities: NDArray[np.floating], targets: NDArray[np.int64], bins: int = BINS
) -> Reliability:
    """The reliability diagram of probabilities (N, C) and targets (N,), in bins of equal width."""
    _, confidence, right = _confidence(probabilities, targets)
    index = bin_index(confidence, bins)
    count = np.bincount(index, minlength=bins)
    empty = np.where(count > 0, count, np.nan)
    return Reliability(
        edges=np.linspace(0, 1, bins + 1),
        count=count,
        confidence=np.bincount(index, confidence, minlength=bins) / empty,
        accuracy=np.bincount(index, right, minlength=bins) / empty,
    )


def expected_calibration_error(
    probabilities: NDArray[np.floating], targets: NDArray[np.int64], bins: int = BINS
) -> float:
    """Mean gap between confidence and accuracy over `bins` bins, 0 (best) to 1.

    Args:
        probabilities: Float (N, C).
        targets: Int64 (N,).
        bins: Number of bins of equal width.
    """
    return float(np.abs(calibration_gaps(probabilities, targets, bins).mean(axis=0)).sum())


def calibration_gaps(
    probabilities: NDArray[np.floating], targets: NDArray[np.int64], bins: int = BINS
) -> Floats:
    """Each sample's confidence minus its correctness, in the column of its bin; (N, bins).

    The calibration error is the sum of the absolute column means, which makes resampling it a
    matrix product.
    """
    gaps, confidence, _ = _confidence(probabilities, targets)
    spread = np.zeros((len(targets), bins))
    spread[np.arange(len(targets)), bin_index(confidence, bins)] = gaps
    return spread


def calibration_noise(
    probabilities: NDArray[np.floating],
    bins: int = BINS,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Floats:
    """The errors (B,) that a perfectly calibrated model with these confidences shows by chance.

    Gaps in a bin never cancel wholly in a finite sample, so the calibration error of a perfect
    model is not 0. If each sample were right with just its confidence, the summed gap of a bin
    would be nearly normal with the variance of its coin tosses (consistency resampling; Broecker
    and Smith, "Increasing the Reliability of Reliability Diagrams", 2007).
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    tosses = np.clip(confidence * (1 - confidence), 0, None)
    spread = np.sqrt(np.bincount(bin_index(confidence, bins), tosses, minlength=bins))
    draws = np.random.default_rng(seed).standard_normal((resamples, bins))
    return np.asarray(np.abs(draws * spread).sum(axis=1) / len(confidence))


def bin_index(confidence: Floats, bins: int = BINS) -> NDArray[np.int64]:
    """The bin of each confidence, 0 to bins - 1: bin m is ((m) / bins, (m + 1) / bins].

    >>> bin_index(np.array([0.0, 0.5, 0.51, 1.0]), 2).tolist()
    [0, 0, 1, 1]
    """
    edges = np.linspace(0, 1, bins + 1)
    return np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)


def brier_scores(probabilities: NDArray[np.floating], targets: NDArray[np.int64]) -> Floats:
    """Squared distance between prediction and truth per sample, float64 (N,); 0 is best.

    Summed over the classes (Brier, 1950: 0 to 2); for two classes half of that (0 to 1), the usual
    binary score. Both as in scikit-learn; the Brier score is the mean.
    """
    square = np.einsum("ij,ij->i", probabilities, probabilities, dtype=np.float64)
    own = np.take_along_axis(probabilities, targets[:, None], axis=1)[:, 0].astype(np.float64)
    score = np.maximum(square - 2 * own + 1, 0.0)
    return np.asarray(score / 2 if probabilities.shape[1] == 2 else score)


def _confidence(
    probabilities: NDArray[np.floating], targets: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == targets).astype(np.float64)
    return confidence - right, confidence, right
