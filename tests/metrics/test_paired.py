# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lepton_lab.errors import DataError, NotFoundError
from lepton_lab.metrics import LOWER_IS_BETTER, Measurement, mcnemar, paired_difference
from lepton_lab.metrics.paired import COMPARABLE
from tests.metrics.predictions import seeded, softmax


def two_models(n=400, classes=12, gain=0.6):
    """Two models on the same samples: b reads the same picture with less noise."""
    p, t = seeded(n, classes)
    better = np.log(p)
    better[np.arange(n), t] += gain
    return t, p, softmax(better)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemars_exact_test_is_the_binomial_one(only_a, only_b):
    a = np.array([True] * only_a + [False] * only_b + [True] * 5)
    b = np.array([False] * only_a + [True] * only_b + [True] * 5)
    expected = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar(a, b) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("metric", COMPARABLE)
def test_the_difference_is_that_of_the_two_numbers_and_swaps_its_sign_with_the_models(metric):
    t, a, b = two_models()
    found = paired_difference(t, a, b, metric)
    expected = Measurement(b, t).values[metric] - Measurement(a, t).values[metric]
    assert found.difference == pytest.approx(expected)
    assert found.low <= found.difference <= found.high
    assert found.better == "b"
    swapped = paired_difference(t, b, a, metric)
    assert swapped.better == "a"
    assert swapped.difference == pytest.approx(-found.difference)
    assert (found.difference < 0) == (metric in LOWER_IS_BETTER)


def test_pairing_sees_what_two_separate_intervals_cannot():
    t, a, b = two_models(gain=0.25)
    found = paired_difference(t, a, b)
    first, second = Measurement(a, t).intervals["accuracy"], Measurement(b, t).intervals["accuracy"]
    assert first[1] > second[0]
    assert found.better == "b"
    assert found.p_value < 0.01


def test_the_sentence_says_which_is_better_by_how_much_and_on_how_many():
    t, a, b = two_models()
    found = paired_difference(t, a, b)
    assert str(found).startswith(f"b is better by {found.difference * 100:.1f} points [")
    assert "n = 400" in str(found) and "McNemar p " in str(found)
    for p, told in (
        (0.0, "p < 0.001)"),
        (9e-4, "p < 0.001)"),
        (0.0123, "p = 0.012)"),
        (1, "p = 1)"),
    ):
        assert str(replace(found, p_value=p)).endswith(told)
    assert str(paired_difference(t, b, a)).startswith("a is better by")
    loss = str(paired_difference(t, a, b, "log_loss"))
    assert loss.startswith("b is better by 0.") and "points" not in loss


def test_a_model_is_not_better_than_itself_but_ten_samples_do_not_prove_it_equal():
    t, a, _ = two_models(n=10)
    found = paired_difference(t, a, a)
    assert (found.difference, found.better, found.p_value) == (0, "", 1)
    assert found.high == -found.low > 0.2
    assert str(found).startswith("no difference shown")


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_the_paired_interval_does_not_depend_on_the_order_of_samples_by_more_than_chance(seed):
    t, a, b = two_models(n=200)
    order = np.random.default_rng(seed).permutation(200)
    first = paired_difference(t, a, b, "f1")
    assert first == paired_difference(t[order], a[order], b[order], "f1")


def test_what_cannot_be_compared_is_refused():
    t, a, b = two_models()
    with pytest.raises(NotFoundError, match="roc_auc"):
        paired_difference(t, a, b, "roc_au")
    with pytest.raises(DataError, match="same classes"):
        paired_difference(t, a, np.pad(b, ((0, 0), (0, 1))))
