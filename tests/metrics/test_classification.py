# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn import metrics as sk

from lepton_lab import metrics
from lepton_lab.metrics import Counts, Measurement
from tests.metrics.predictions import predictions, seeded


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
def test_precision_recall_and_f1_are_scikit_learns(classes, average):
    p, t = seeded(classes=classes)
    guessed = metrics.predictions_of(p)
    counts = Counts.of(metrics.confusion_matrix(t, guessed, classes))
    expected = sk.precision_recall_fscore_support(t, guessed, average=average)[:3]
    found = [f(counts, average) for f in (metrics.precision, metrics.recall, metrics.f1)]
    assert found == pytest.approx(expected)


def test_the_confusion_matrix_and_the_accuracies_are_scikit_learns():
    p, t = seeded(classes=6)
    guessed = metrics.predictions_of(p)
    confusion = metrics.confusion_matrix(t, guessed, 6)
    np.testing.assert_array_equal(confusion, sk.confusion_matrix(t, guessed))
    counts = Counts.of(confusion)
    assert metrics.accuracy(counts) == pytest.approx(sk.accuracy_score(t, guessed))
    expected = sk.balanced_accuracy_score(t, guessed)
    assert metrics.balanced_accuracy(counts) == pytest.approx(expected)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_accuracy_is_scikit_learns_where_nothing_ties(k):
    p, t = seeded(classes=8)
    expected = sk.top_k_accuracy_score(t, p, k=k, labels=range(8))
    assert metrics.in_top_k(p, t, k).mean() == pytest.approx(expected)


def test_a_model_that_gives_every_class_the_same_gains_nothing_from_ties():
    t = np.arange(10)
    p = np.full((10, 10), 0.1)
    assert metrics.in_top_k(p, t, 5).sum() == 5
    assert metrics.in_top_k(p, t, 1).sum() == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_loss_is_scikit_learns_even_where_a_probability_underflows(dtype):
    p = np.array([[1.0, 0.0, 0.0], [0.2, 0.7, 0.1], [0.3, 0.3, 0.4]], dtype)
    t = np.array([1, 1, 2])
    found = metrics.sample_losses(p, t).mean()
    assert np.isfinite(found)
    assert found == pytest.approx(sk.log_loss(t, p, labels=[0, 1, 2]), rel=1e-5)


def test_a_class_without_samples_is_nan_and_left_out_of_the_macro_average():
    t, guessed = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    counts = Counts.of(metrics.confusion_matrix(t, guessed, 3))
    assert counts.present.tolist() == [True, True, False]
    for per_class in (metrics.precision_per_class, metrics.recall_per_class, metrics.f1_per_class):
        assert np.isnan(per_class(counts)).tolist() == [False, False, True]
    assert metrics.recall(counts) == pytest.approx(0.75)
    expected = sk.precision_score(t, guessed, labels=[0, 1], average="macro")
    assert metrics.precision(counts) == pytest.approx(expected)


def test_a_class_that_is_never_predicted_has_precision_zero_not_nan():
    counts = Counts.of(metrics.confusion_matrix(np.array([0, 1]), np.array([0, 0]), 2))
    assert metrics.precision_per_class(counts).tolist() == [0.5, 0.0]
    assert metrics.f1_per_class(counts)[1] == 0


def test_counts_of_many_confusion_matrices_give_one_number_each():
    stack = np.array([[[3, 1], [0, 4]], [[4, 0], [4, 0]]])
    single = [float(metrics.f1(Counts.of(matrix))) for matrix in stack]
    assert metrics.f1(Counts.of(stack)).tolist() == pytest.approx(single)


def test_an_unknown_average_is_refused():
    counts = Counts.of(np.eye(2, dtype=int))
    with pytest.raises(ValueError, match="'macro', 'micro' or 'weighted'"):
        metrics.f1(counts, "mean")


@settings(max_examples=60, deadline=None)
@given(predictions())
def test_every_metric_stays_in_its_bounds_and_ignores_the_order_of_samples(case):
    p, t = case
    first = Measurement(p, t).values
    order = np.random.default_rng(1).permutation(len(t))
    second = Measurement(p[order], t[order]).values
    for name, value in first.items():
        if np.isnan(value):
            assert name in ("roc_auc", "average_precision")
            assert len(np.unique(t)) == 1
        else:
            top = {"log_loss": np.inf, "brier": 2}.get(name, 1)
            assert -1e-12 <= value <= top + 1e-12
        assert second[name] == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("classes", [1, 2, 6])
def test_a_perfect_model_has_perfect_numbers(classes):
    t = np.repeat(np.arange(classes), 4)
    values = Measurement(np.eye(classes)[t], t).values
    for name in ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "f1_weighted"):
        assert values[name] == 1
    assert values["ece"] == values["brier"] == 0
    assert values["log_loss"] == pytest.approx(0)
    if classes > 1:
        assert values["roc_auc"] == values["average_precision"] == 1


def test_a_constant_model_is_as_good_as_chance():
    t = np.repeat(np.arange(4), 5)
    values = Measurement(np.tile([0.4, 0.3, 0.2, 0.1], (20, 1)), t).values
    assert values["accuracy"] == values["balanced_accuracy"] == pytest.approx(0.25)
    assert values["roc_auc"] == pytest.approx(0.5)
    assert values["average_precision"] == pytest.approx(0.25)
