# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from lepton_lab import metrics
from lepton_lab.metrics import Measurement
from lepton_lab.metrics import intervals as iv
from tests.metrics.predictions import predictions, seeded


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (1, 1), (37, 50), (9991, 10000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilsons_interval_is_scipys(k, n, level):
    expected = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    assert iv.wilson(k, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_without_samples_everything_is_possible():
    assert iv.wilson(0, 0) == (0.0, 1.0)


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_wilsons_interval_contains_its_point_and_stays_between_0_and_1(share, n):
    low, high = iv.wilson(share * n, n)
    assert 0 <= low <= share * n / n <= high <= 1


@given(st.floats(0.0001, 0.9999), st.floats(0, 0.5))
def test_a_logit_interval_contains_its_point_and_stays_between_0_and_1(value, error):
    low, high = iv.logit_interval(value, error)
    assert 0 <= low <= value <= high <= 1


@settings(max_examples=60, deadline=None)
@given(predictions())
def test_every_interval_contains_its_point_and_is_missing_only_with_it(case):
    measured = Measurement(*case, resamples=60)
    assert list(measured.intervals) == list(measured.values)
    for name, (low, high) in measured.intervals.items():
        point = measured.values[name]
        if math.isnan(point):
            assert math.isnan(low) and math.isnan(high)
        else:
            assert 0 <= low <= point + 1e-12 and point <= high + 1e-12
            assert high <= {"log_loss": np.inf, "brier": 2}.get(name, 1) + 1e-9


def test_no_error_in_ten_samples_is_not_called_certain():
    t = np.array([0, 1] * 5)
    intervals = Measurement(np.eye(2)[t], t).intervals
    assert intervals["accuracy"][0] == pytest.approx(0.722, abs=1e-3)
    for name in ("balanced_accuracy", "f1", "precision", "f1_weighted", "roc_auc"):
        assert intervals[name][0] < 0.8
        assert intervals[name][1] == 1


def test_the_same_seed_gives_the_same_intervals_and_another_one_others():
    p, t = seeded()
    assert Measurement(p, t).intervals == Measurement(p, t).intervals
    assert Measurement(p, t).intervals["f1"] != Measurement(p, t, seed=1).intervals["f1"]


def test_drawing_counts_is_the_same_bootstrap_as_drawing_samples():
    p, t = seeded(n=200, classes=4)
    guessed = metrics.predictions_of(p)

    def macro_f1(targets, predicted):
        return sk.f1_score(targets, predicted, average="macro")

    slow = iv.bootstrap(macro_f1, t, guessed, resamples=400)
    (drawn,) = iv.resample_counts(t, [guessed], 4, resamples=4000)
    fast = np.quantile(metrics.f1(drawn), [0.025, 0.975])
    assert fast == pytest.approx(slow, abs=0.015)


def test_drawing_weights_is_the_same_bootstrap_as_drawing_samples():
    p, t = seeded(n=200, classes=4)
    losses = metrics.sample_losses(p, t)
    slow = iv.bootstrap(np.mean, losses, resamples=2000)
    fast = iv.percentile(iv.resample_means(losses[:, None])[:, 0], losses.mean())
    assert fast == pytest.approx(slow, abs=0.02)


def test_resampled_counts_add_up_to_the_number_of_samples():
    p, t = seeded(n=123, classes=5)
    first, second = metrics.predictions_of(p), metrics.predictions_of(p[:, ::-1])
    for drawn in iv.resample_counts(t, [first, second], 5, resamples=50):
        assert (drawn.support.sum(axis=1) == 123).all()
        assert (drawn.predicted.sum(axis=1) == 123).all()
        assert (drawn.hits <= np.minimum(drawn.support, drawn.predicted)).all()


def test_a_stratified_resample_keeps_the_samples_of_each_class():
    p, t = seeded(n=100, classes=4)
    guessed = metrics.predictions_of(p)
    (drawn,) = iv.resample_counts(t, [guessed], 4, resamples=20, stratified=True)
    assert (drawn.support == np.bincount(t)).all()
    assert len(np.unique(drawn.hits.sum(axis=1))) > 1


def test_a_stratified_bootstrap_keeps_a_rare_class_so_that_its_area_exists():
    scores = np.arange(50) / 50
    positive = np.array([0] * 49 + [1])
    seen = []

    def area(s, y):
        seen.append(y.sum())
        return sk.roc_auc_score(y, s)

    low, high = iv.bootstrap(area, scores, positive, strata=positive, resamples=30)
    assert set(seen) == {1}
    assert low <= 1.0 <= high


def test_intervals_cover_the_truth_about_95_times_of_100():
    truth = Measurement(*seeded(200_000, seed=999)).values
    covered = dict.fromkeys(("accuracy", "f1", "roc_auc", "log_loss", "brier", "ece"), 0)
    for seed in range(150):
        found = Measurement(*seeded(150, seed=seed), resamples=200).intervals
        for name in covered:
            low, high = found[name]
            covered[name] += low <= truth[name] <= high
    assert {name: n for name, n in covered.items() if n / 150 < 0.89} == {}


def test_ten_thousand_samples_are_resampled_in_blocks_that_add_up():
    values = np.random.default_rng(0).random((10_000, 2))
    drawn = iv.resample_means(values, resamples=450)
    assert drawn.shape == (450, 2)
    np.testing.assert_allclose(drawn.mean(axis=0), values.mean(axis=0), atol=0.002)
    np.testing.assert_allclose(drawn.std(axis=0), values.std(axis=0) / 100, rtol=0.15)
