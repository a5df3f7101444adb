# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from lepton_lab import metrics
from tests.metrics.predictions import predictions, seeded


@pytest.mark.parametrize("levels", [None, 1])
@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_the_one_against_rest_area_is_scikit_learns_with_and_without_ties(levels, average):
    p, t = seeded(classes=5, levels=levels)
    expected = sk.roc_auc_score(t, p, multi_class="ovr", average=average)
    assert metrics.roc_auc(p, t, average) == pytest.approx(expected)


@pytest.mark.parametrize("levels", [None, 1])
def test_average_precision_is_scikit_learns_with_and_without_ties(levels):
    p, t = seeded(classes=5, levels=levels)
    expected = sk.average_precision_score(np.eye(5)[t], p, average=None)
    assert metrics.average_precision_per_class(p, t) == pytest.approx(expected)
    weighted = sk.average_precision_score(np.eye(5)[t], p, average="weighted")
    assert metrics.average_precision(p, t, "weighted") == pytest.approx(weighted)


def test_two_classes_have_the_binary_area():
    p, t = seeded(classes=2)
    assert metrics.roc_auc(p, t) == pytest.approx(sk.roc_auc_score(t, p[:, 1]))


@pytest.mark.parametrize("levels", [None, 1])
def test_the_curves_are_scikit_learns(levels):
    p, t = seeded(classes=3, levels=levels)
    false, true, thresholds = metrics.roc_curve(p[:, 1], t == 1)
    expected = sk.roc_curve(t == 1, p[:, 1], drop_intermediate=False)
    for found, wanted in zip((false, true, thresholds), expected, strict=True):
        np.testing.assert_allclose(found, wanted)
    precision, recall, _ = metrics.precision_recall_curve(p[:, 1], t == 1)
    theirs = sk.precision_recall_curve(t == 1, p[:, 1])
    np.testing.assert_allclose(precision[::-1], theirs[0])
    np.testing.assert_allclose(recall[::-1], theirs[1])


def test_a_class_that_is_absent_or_alone_has_no_area():
    p, t = seeded(classes=3)
    per_class = metrics.roc_auc_per_class(p, np.where(t == 2, 0, t))
    assert np.isnan(per_class).tolist() == [False, False, True]
    alone = np.zeros(len(t), int)
    assert np.isnan(metrics.roc_auc(p, alone))
    assert np.isnan(metrics.average_precision(p, alone))
    assert np.isnan(metrics.roc_curve(p[:, 0], alone == 0)[0]).all()


def test_the_macro_area_skips_absent_classes():
    p, t = seeded(classes=3)
    t = np.where(t == 2, 0, t)
    per_class = metrics.roc_auc_per_class(p, t)
    assert metrics.roc_auc(p, t) == pytest.approx(per_class[:2].mean())


@settings(max_examples=60, deadline=None)
@given(predictions())
def test_curves_run_from_corner_to_corner_and_never_turn_back(case):
    p, t = case
    if len(np.unique(t)) < 2:
        return
    c = t[0]
    false, true, _ = metrics.roc_curve(p[:, c], t == c)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert (np.diff(false) >= 0).all() and (np.diff(true) >= 0).all()
    area = np.sum(np.diff(false) * (true[1:] + true[:-1])) / 2
    assert metrics.roc_auc_per_class(p, t)[c] == pytest.approx(area)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 2000), st.integers(2, 60), st.integers(0, 99))
def test_a_reduced_curve_is_short_keeps_its_ends_and_only_points_of_its_own(n, points, seed):
    generator = np.random.default_rng(seed)
    x, y = np.sort(generator.random(n)), np.sort(generator.random(n))
    short_x, short_y = metrics.reduce_curve(x, y, points)
    assert len(short_x) <= max(points, 2)
    assert (short_x[0], short_y[0]) == (x[0], y[0])
    assert (short_x[-1], short_y[-1]) == (x[-1], y[-1])
    assert set(zip(short_x, short_y, strict=True)) <= set(zip(x, y, strict=True))


def test_reducing_a_curve_hardly_changes_its_area():
    p, t = seeded(n=5000, classes=2)
    false, true, _ = metrics.roc_curve(p[:, 1], t == 1)
    x, y = metrics.reduce_curve(false, true, 200)
    area = np.sum(np.diff(x) * (y[1:] + y[:-1])) / 2
    assert area == pytest.approx(metrics.roc_auc(p, t), abs=0.002)
