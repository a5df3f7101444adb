# SPDX-License-Identifier: BSD-3-Clause
"""What counts as good enough, by the bad end of an interval; and differences of metrics that are no share."""

from types import SimpleNamespace

import numpy as np
import pytest

from lepton_lab.compression.measure import (
    HeldOut,
    Measured,
    difference,
    likely_drop,
    verdict,
    worst_drop,
)
from lepton_lab.exporting.signature import Score
from lepton_lab.metrics import PairedDifference


def measured(change):
    return Measured(10, {}, Score("accuracy", 0.9, 0.8, 1.0, 100), change, 1.0, (1.0, 2.0), 0.5)


def held(targets, task):
    return HeldOut((), tuple(targets), SimpleNamespace(), SimpleNamespace(), task)


@pytest.mark.parametrize(
    ("change", "fits", "said"),
    [
        (PairedDifference("accuracy", 0.0, -0.009, 0.009, 400), True, "within the bound"),
        (PairedDifference("accuracy", 0.0, -0.011, 0.011, 300), False, "not enough samples to know"),
        (PairedDifference("accuracy", -0.005, -0.02, 0.01, 300), False, "not enough samples to know"),
        (PairedDifference("accuracy", -0.05, -0.08, -0.02, 300), False, "drops by more than 0.01"),
        (PairedDifference("accuracy", 0.03, 0.01, 0.05, 300), True, "within the bound"),
        (PairedDifference("rmse", 0.05, 0.02, 0.08, 300), False, "drops by more than 0.01"),
        (PairedDifference("rmse", -0.05, -0.08, -0.02, 300), True, "within the bound"),
        (PairedDifference("accuracy", float("nan"), float("nan"), float("nan"), 0), False, "no labelled samples to judge by"),
        (None, False, "no labelled samples to judge by"),
    ],
)
def test_the_bad_end_of_the_interval_decides(change, fits, said):
    assert verdict(measured(change), 0.01) == (fits, said)


def test_a_drop_is_positive_where_it_is_worse():
    error, share = (PairedDifference(name, 0.1, 0.05, 0.2, 9) for name in ("mae", "accuracy"))
    assert (worst_drop(error), likely_drop(error)) == (0.2, 0.1)
    assert (worst_drop(share), likely_drop(share)) == (-0.05, -0.1)


def test_classes_are_compared_as_everywhere_else():
    random = np.random.default_rng(0)
    targets = random.integers(0, 3, 200)
    good = np.eye(3, dtype=np.float32)[targets] * 0.8 + 0.066
    bad = good.copy()
    bad[:40] = np.roll(bad[:40], 1, axis=1)
    found = difference({"probabilities": list(good)}, {"probabilities": list(bad)}, held(targets.tolist(), "image-classification"))
    assert found.difference == pytest.approx(-0.2)
    assert found.low < -0.2 < found.high < 0
    assert found.p_value < 0.001


def test_equal_answers_prove_only_what_their_number_can():
    few = np.eye(2, dtype=np.float32)[[0, 1] * 10]
    outputs = {"probabilities": list(few)}
    found = difference(outputs, outputs, held([0, 1] * 10, "image-classification"))
    assert found.difference == 0 and found.low < -0.1


def test_numbers_are_compared_by_their_error_in_pairs():
    random = np.random.default_rng(0)
    targets = random.normal(0, 1, 60)
    close = [np.float32(t + e) for t, e in zip(targets, random.normal(0, 0.1, 60), strict=True)]
    far = [np.float32(t + e) for t, e in zip(targets, random.normal(0, 1.0, 60), strict=True)]
    found = difference({"value": close}, {"value": far}, held(targets.tolist(), "text-classification"))
    assert found.metric == "rmse"
    assert 0.5 < found.low < found.difference < found.high
    assert not verdict(measured(found), 0.1)[0]
