# SPDX-License-Identifier: BSD-3-Clause
"""Metrics of several classes per sample, against scikit-learn's numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from lepton_lab.errors import DataError
from lepton_lab.metrics.multilabel import (
    MULTILABEL,
    average_precisions,
    memberships,
    multilabel_intervals,
    multilabel_values,
    per_class,
)


@pytest.fixture(scope="module")
def answers() -> tuple[np.ndarray, np.ndarray]:
    """60 samples of 4 classes, the last of them rare; scores with ties."""
    random = np.random.default_rng(3)
    truth = random.random((60, 4)) < [0.5, 0.3, 0.2, 0.15]
    scores = np.clip(truth * 0.4 + random.random((60, 4)) * 0.7, 0, 1).round(2)
    return scores, truth


def test_values_are_those_of_scikit_learn(answers):
    scores, truth = answers
    chosen = scores >= 0.5
    found = multilabel_values(scores, truth)
    wanted = {
        "average_precision": reference.average_precision_score(truth, scores, average="macro"),
        "f1_micro": reference.f1_score(truth, chosen, average="micro"),
        "f1_macro": reference.f1_score(truth, chosen, average="macro"),
        "precision_micro": reference.precision_score(truth, chosen, average="micro"),
        "recall_micro": reference.recall_score(truth, chosen, average="micro"),
        "exact_matches": reference.accuracy_score(truth, chosen),
        "hamming_loss": reference.hamming_loss(truth, chosen),
    }
    assert found == pytest.approx(wanted) and tuple(found) == MULTILABEL


def test_figures_of_each_class_are_those_of_scikit_learn(answers):
    scores, truth = answers
    found = per_class(scores, truth)
    rows = reference.precision_recall_fscore_support(truth, scores >= 0.5, zero_division=0)
    for name, wanted in zip(("precision", "recall", "f1", "samples"), rows, strict=True):
        assert found[name] == pytest.approx(wanted)
    assert found["average_precision"] == pytest.approx(
        reference.average_precision_score(truth, scores, average=None)
    )


def test_intervals_hold_the_value_and_those_of_a_plain_bootstrap(answers):
    scores, truth = answers
    values, spans = multilabel_values(scores, truth), multilabel_intervals(scores, truth)
    assert all(spans[name][0] <= values[name] <= spans[name][1] for name in MULTILABEL)
    random = np.random.default_rng(1)
    drawn = [random.integers(0, 60, 60) for _ in range(400)]
    for name in ("average_precision", "f1_micro"):
        plain = [multilabel_values(scores[i], truth[i])[name] for i in drawn]
        low, high = np.quantile(plain, [0.025, 0.975])
        assert spans[name] == pytest.approx((low, high), abs=0.05)
    assert multilabel_intervals(scores, truth) == spans


def test_a_class_without_samples_has_no_figures_and_spoils_no_mean():
    truth = np.array([[True, False], [False, False], [True, False]])
    scores = np.array([[0.9, 0.1], [0.2, 0.2], [0.8, 0.3]])
    found = multilabel_values(scores, truth)
    assert found["average_precision"] == 1.0 and found["f1_macro"] == 1.0
    assert math.isnan(average_precisions(scores, truth)[1])
    assert math.isnan(per_class(scores, truth)["recall"][1])


def test_no_error_in_few_samples_is_not_called_certain():
    truth = np.array([[True, False], [False, True]] * 5)
    low, high = multilabel_intervals(truth.astype(float), truth)["exact_matches"]
    assert low == pytest.approx(0.722, abs=1e-3) and high == 1.0


def test_what_does_not_belong_together_is_refused():
    for scores, truth in (
        (np.zeros((2, 3)), np.zeros((2, 2), bool)),
        (np.zeros((0, 3)), np.zeros((0, 3), bool)),
        (np.full((2, 2), np.nan), np.zeros((2, 2), bool)),
    ):
        with pytest.raises(DataError):
            multilabel_values(scores, truth)


def test_labels_become_a_matrix():
    assert memberships([(0, 2), (), None], 3).tolist() == [
        [True, False, True],
        [False] * 3,
        [False] * 3,
    ]
