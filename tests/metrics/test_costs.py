# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_lab.errors import DataError
from lepton_lab.metrics.costs import best_threshold, cost_at


def scored(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    positive = random.random(n) < 0.2
    return np.clip(random.normal(0.3 + 0.3 * positive, 0.2, n), 0, 1), positive


def test_a_false_alarm_and_a_miss_cost_what_was_said():
    cost = cost_at(
        0.5, [0.9, 0.6, 0.2, 0.1], [True, False, True, False], false_positive=2, false_negative=7
    )
    assert (cost.false_positives, cost.false_negatives, cost.n) == (1, 1, 4)
    assert cost.per_sample == 9 / 4
    assert (cost.always_no, cost.always_yes) == (2 * 7 / 4, 2 * 2 / 4)
    assert cost.low <= cost.per_sample <= cost.high


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(0, 20), st.floats(0, 20))
def test_no_threshold_costs_less_than_the_best(seed, alarm, miss):
    scores, positive = scored(40, seed)
    scores = np.round(scores, 1)
    prices = {"false_positive": alarm, "false_negative": miss}
    best = cost_at(
        best_threshold(scores, positive, **prices), scores, positive, resamples=1, **prices
    )
    for threshold in (*np.unique(scores), 2.0, 0.0):
        other = cost_at(float(threshold), scores, positive, resamples=1, **prices)
        assert best.per_sample <= other.per_sample + 1e-9


def test_dear_misses_lower_the_threshold_towards_the_ratio_of_the_costs():
    """With probabilities that are true, the best threshold is alarm / (alarm + miss)."""
    random = np.random.default_rng(1)
    scores = random.random(200_000)
    positive = random.random(200_000) < scores
    assert best_threshold(scores, positive, false_negative=9) == pytest.approx(0.1, abs=0.02)
    assert best_threshold(scores, positive) == pytest.approx(0.5, abs=0.03)


def test_when_a_yes_is_never_worth_it_nothing_is_a_yes():
    threshold = best_threshold([0.4, 1.0], [False, False])
    assert threshold > 1
    assert cost_at(threshold, [0.4, 1.0], [False, False]).false_positives == 0


def test_it_says_itself_in_one_line():
    text = str(cost_at(0.5, *scored(), false_negative=5))
    assert "per sample at threshold 0.500" in text
    assert "always no 0.9667, always yes 0.8067" in text


@pytest.mark.parametrize(
    ("scores", "positive", "prices"),
    [
        ([0.5], [True, False], {}),
        ([], [], {}),
        ([math.nan], [True], {}),
        ([0.5], [True], {"false_positive": -1}),
        ([0.5], [True], {"false_negative": math.inf}),
    ],
)
def test_what_has_no_cost_is_said(scores, positive, prices):
    with pytest.raises(DataError):
        cost_at(0.5, scores, positive, **prices)
