# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, jaccard_score

from lepton_lab.errors import DataError
from lepton_lab.metrics.overlap import (
    areas,
    dice_per_class,
    iou_intervals,
    iou_per_class,
    mean_iou,
    overlap_intervals,
    pixel_accuracy,
    pixel_confusion,
)

CLASSES = 5


def masks(seed: int, count: int = 6) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Truth of classes 0 to 3 with pixels to ignore, and predictions that are right in two of three."""
    random = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(count):
        size = tuple(random.integers(8, 30, 2))
        target = random.integers(0, CLASSES - 1, size).astype(np.uint8)
        wrong = random.random(size) < 1 / 3
        found.append(np.where(wrong, random.integers(0, CLASSES - 1, size), target))
        truth.append(np.where(random.random(size) < 0.1, 255, target).astype(np.uint8))
    return truth, found


def test_every_number_is_that_of_scikit_learn() -> None:
    truth, found = masks(1)
    each = np.stack([pixel_confusion(f, t, CLASSES) for t, f in zip(truth, found, strict=True)])
    t, f = np.concatenate([m.ravel() for m in truth]), np.concatenate([m.ravel() for m in found])
    t, f = t[t != 255], f[t != 255]
    labels = list(range(CLASSES))
    np.testing.assert_array_equal(each.sum(axis=0), confusion_matrix(t, f, labels=labels))
    whole = areas(each.sum(axis=0))
    there = labels[:-1]
    np.testing.assert_allclose(
        iou_per_class(whole)[:-1], jaccard_score(t, f, labels=there, average=None)
    )
    np.testing.assert_allclose(
        dice_per_class(whole)[:-1], f1_score(t, f, labels=there, average=None)
    )
    assert mean_iou(whole) == pytest.approx(jaccard_score(t, f, labels=there, average="macro"))
    assert pixel_accuracy(whole) == pytest.approx(accuracy_score(t, f))


def test_a_class_that_is_nowhere_has_no_iou_and_does_not_lower_the_mean() -> None:
    truth = np.array([[0, 0, 1, 1]])
    found = areas(pixel_confusion(np.array([[0, 0, 1, 0]]), truth, 3))
    values = iou_per_class(found)
    assert np.isnan(values[2]) and mean_iou(found) == pytest.approx((2 / 3 + 1 / 2) / 2)
    # One that is predicted where it is not has an IoU of 0.
    found = areas(pixel_confusion(np.array([[2, 0, 1, 1]]), truth, 3))
    assert iou_per_class(found).tolist() == [0.5, 1.0, 0.0]


def test_nothing_to_compare_is_not_a_number() -> None:
    found = areas(pixel_confusion(np.zeros((2, 2), int), np.full((2, 2), 255), 2))
    assert np.isnan(mean_iou(found)) and np.isnan(pixel_accuracy(found))


def test_intervals_hold_the_point_and_shrink_with_more_images() -> None:
    widths = []
    for count in (6, 60):
        truth, found = masks(2, count)
        pairs = zip(truth, found, strict=True)
        each = areas(np.stack([pixel_confusion(f, t, CLASSES) for t, f in pairs]))
        intervals = overlap_intervals(each, resamples=300)
        for name, metric in (("mean_iou", mean_iou), ("pixel_accuracy", pixel_accuracy)):
            low, high = intervals[name]
            assert low <= metric(each.sum(axis=0)) <= high
        assert intervals == overlap_intervals(each, resamples=300)
        per_class = iou_intervals(each, resamples=300)
        assert len(per_class) == CLASSES and np.isnan(per_class[-1]).all()
        widths.append(np.diff(intervals["mean_iou"])[0])
    assert widths[1] < widths[0]


def test_the_interval_is_that_of_resampling_images_by_hand() -> None:
    truth, found = masks(3, 12)
    each = areas(
        np.stack([pixel_confusion(f, t, CLASSES) for t, f in zip(truth, found, strict=True)])
    )
    random = np.random.default_rng(9)
    drawn = [mean_iou(each[random.integers(0, 12, 12)].sum(axis=0)) for _ in range(4000)]
    wanted = np.quantile(drawn, [0.025, 0.975])
    np.testing.assert_allclose(
        overlap_intervals(each, resamples=4000)["mean_iou"], wanted, atol=3e-3
    )


def test_masks_of_other_sizes_and_unknown_classes_are_refused() -> None:
    with pytest.raises(DataError, match="size of its truth"):
        pixel_confusion(np.zeros((2, 3), int), np.zeros((3, 2), int), 2)
    with pytest.raises(DataError, match="the class 2"):
        pixel_confusion(np.full((2, 2), 2), np.zeros((2, 2), int), 2)
