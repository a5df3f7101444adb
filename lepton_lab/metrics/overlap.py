# SPDX-License-Identifier: BSD-3-Clause
"""How well masks overlap: IoU per class, its mean, and the share of pixels that are right.

Everything is read off confusion matrices of pixels, one per image: rows are the truth, columns what was
predicted. The IoU of a class is its pixels that are right over those that are it or are taken for it, over
all images together; a class that is neither in the truth nor predicted has none (NaN) and is left out of
the mean (Everingham et al., "The Pascal Visual Object Classes Challenge", 2015).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lepton_lab.errors import DataError
from lepton_lab.metrics.intervals import RESAMPLES, Interval, percentile

IGNORE = 255
_DRAWS_AT_ONCE = 1 << 22


def pixel_confusion(
    predicted: NDArray[np.integer], target: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """How many pixels of the class of a row were taken for that of a column.

    Args:
        predicted: Class indexes, (H, W).
        target: Class indexes, (H, W); 255 counts nowhere.
        classes: Number of classes C, at most 255.

    Returns:
        Int64 (C, C).

    Raises:
        DataError: The masks have different sizes, or indexes that are no class.

    >>> pixel_confusion(np.array([[0, 1, 1]]), np.array([[0, 0, 255]]), 2).tolist()
    [[1, 1], [0, 0]]
    """
    if predicted.shape != target.shape:
        raise DataError(
            "A mask has to have the size of its truth.",
            f"Found {predicted.shape} and {target.shape}.",
        )
    known = target != IGNORE
    truth, found = target[known].astype(np.int64), predicted[known].astype(np.int64)
    worst = max(int(truth.max(initial=0)), int(found.max(initial=0)))
    if worst >= classes:
        raise DataError(f"A mask has the class {worst}.", f"There are {classes}, counted from 0.")
    return np.bincount(truth * classes + found, minlength=classes**2).reshape(classes, classes)


def areas(confusions: NDArray[Any]) -> NDArray[np.float64]:
    """Pixels that are right, that are the class, and that are taken for it.

    Args:
        confusions: (..., C, C).

    Returns:
        Float64 (..., 3, C).
    """
    matrix = np.asarray(confusions, np.float64)
    right = np.diagonal(matrix, axis1=-2, axis2=-1)
    return np.stack([right, matrix.sum(-1), matrix.sum(-2)], axis=-2)


def iou_per_class(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of each class, float64 (..., C) of areas (..., 3, C); NaN where it is nowhere.

    >>> iou_per_class(areas(np.array([[1, 1, 0], [0, 2, 0], [0, 0, 0]]))).round(3).tolist()
    [0.5, 0.667, nan]
    """
    right, truth, taken = np.moveaxis(found, -2, 0)
    share: NDArray[np.float64] = _ratio(right, truth + taken - right)
    return share


def mean_iou(found: NDArray[np.float64]) -> Any:
    """The mean IoU over the classes that occur, of areas (..., 3, C); NaN where none does."""
    values = iou_per_class(found)
    there = ~np.isnan(values)
    return _ratio(np.where(there, values, 0.0).sum(-1), there.sum(-1))


def pixel_accuracy(found: NDArray[np.float64]) -> Any:
    """The share of pixels that are right, of areas (..., 3, C)."""
    return _ratio(found[..., 0, :].sum(-1), found[..., 1, :].sum(-1))


def dice_per_class(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Dice coefficient (F1 of the pixels) of each class, of areas (..., 3, C)."""
    right, truth, taken = np.moveaxis(found, -2, 0)
    share: NDArray[np.float64] = _ratio(2 * right, truth + taken)
    return share


def resampled_areas(
    found: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """Areas summed over bootstrap resamples of the images.

    Args:
        found: Areas per image, (N, 3, C).
        resamples: B, how many.
        seed: Of the resampling.

    Returns:
        Float64 (B, 3, C).
    """
    n = len(found)
    generator = np.random.default_rng(seed)
    flat = found.reshape(n, -1)
    step = max(1, _DRAWS_AT_ONCE // max(n, flat.shape[1]))
    parts = []
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = generator.multinomial(n, np.full(n, 1 / n), size=rows)
        parts.append(drawn.astype(np.float64) @ flat)
    return np.concatenate(parts).reshape(resamples, *found.shape[1:])


def overlap_intervals(
    found: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """The 95 % intervals of mean IoU and pixel accuracy over the images of areas (N, 3, C)."""
    drawn, whole = resampled_areas(found, resamples=resamples, seed=seed), found.sum(axis=0)
    return {
        "mean_iou": percentile(mean_iou(drawn), float(mean_iou(whole))),
        "pixel_accuracy": percentile(pixel_accuracy(drawn), float(pixel_accuracy(whole))),
    }


def iou_intervals(
    found: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = 0
) -> list[Interval]:
    """The 95 % interval of the IoU of each class over the images of areas (N, 3, C)."""
    drawn = iou_per_class(resampled_areas(found, resamples=resamples, seed=seed))
    points = iou_per_class(found.sum(axis=0))
    return [percentile(drawn[:, i], float(point)) for i, point in enumerate(points)]


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Any:
    whole = np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
