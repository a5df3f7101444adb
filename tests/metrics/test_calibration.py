# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from lepton_lab import metrics
from lepton_lab.metrics.calibration import bin_index, calibration_gaps, calibration_noise
from tests.metrics.predictions import seeded


@pytest.mark.parametrize("classes", [2, 3, 9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_brier_score_is_scikit_learns(classes, dtype):
    p, t = seeded(classes=classes, dtype=dtype)
    found = metrics.brier_scores(p, t).mean()
    assert found == pytest.approx(sk.brier_score_loss(t, p, labels=range(classes)), rel=1e-5)


def test_the_reliability_bins_are_scikit_learns():
    p, t = seeded(n=2000, classes=3)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == t
    found = metrics.reliability(p, t, bins=10)
    accuracy, mean = calibration_curve(right, confidence, n_bins=10)
    filled = found.count > 0
    np.testing.assert_allclose(found.accuracy[filled], accuracy)
    np.testing.assert_allclose(found.confidence[filled], mean)
    assert found.count.sum() == 2000
    assert np.isnan(found.accuracy[~filled]).all()


def test_the_calibration_error_is_the_weighted_gap_written_out():
    p, t = seeded(n=500, classes=4)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == t
    expected = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence > low) & (confidence <= low + 1 / 15)
        if inside.any():
            gap = abs(confidence[inside].mean() - right[inside].mean())
            expected += inside.mean() * gap
    assert metrics.expected_calibration_error(p, t) == pytest.approx(expected)


def test_a_model_sure_of_half_its_errors_has_half_an_error():
    t = np.array([0, 1] * 50)
    p = np.tile([1.0, 0.0], (100, 1))
    assert metrics.expected_calibration_error(p, t) == pytest.approx(0.5)


def test_bins_hold_their_upper_edge_and_the_ends_belong_somewhere():
    assert bin_index(np.array([0.0, 1 / 15, 1 / 15 + 1e-9, 1.0])).tolist() == [0, 0, 1, 14]


def test_the_gaps_sum_to_the_error():
    p, t = seeded()
    gaps = calibration_gaps(p, t)
    assert (np.count_nonzero(gaps, axis=1) <= 1).all()
    found = np.abs(gaps.mean(axis=0)).sum()
    assert found == pytest.approx(metrics.expected_calibration_error(p, t))


def test_the_noise_of_a_calibrated_model_is_what_repeated_coin_tosses_give():
    p, _ = seeded(n=400, classes=4)
    confidence, generator = p.max(axis=1), np.random.default_rng(0)
    tossed = []
    for _ in range(400):
        right = generator.random(400) < confidence
        targets = np.where(right, p.argmax(axis=1), (p.argmax(axis=1) + 1) % 4)
        tossed.append(metrics.expected_calibration_error(p, targets))
    noise = calibration_noise(p)
    assert np.mean(noise) == pytest.approx(np.mean(tossed), rel=0.05)
    assert np.quantile(noise, 0.95) == pytest.approx(np.quantile(tossed, 0.95), rel=0.1)
