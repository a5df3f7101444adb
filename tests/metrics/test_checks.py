# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np
import pytest

from lepton_lab.errors import DataError
from lepton_lab.metrics import check_predictions
from tests.metrics.predictions import seeded

GOOD = np.array([[0.5, 0.5], [0.1, 0.9]])


@pytest.mark.parametrize(
    ("probabilities", "targets", "says"),
    [
        (np.zeros((0, 3)), np.zeros(0, int), "nothing to evaluate"),
        (GOOD, [0, 1, 1], r"\(2, 2\) and \(3,\)"),
        (GOOD[0], [0], "do not belong together"),
        (GOOD * 7, [0, 1], "Are these logits"),
        (np.array([[1.5, -0.5], [0.5, 0.5]]), [0, 1], "1 of 2 rows are no probabilities"),
        (np.array([[np.nan, 1.0], [0.5, 0.5]]), [0, 1], "NaN or infinity for 1 of 2"),
        (GOOD, [0, 2], "1 of 2 targets name no class"),
        (GOOD, [0, -1], "name no class"),
        (GOOD, [0.0, 1.0], "whole numbers"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_what_was_found(probabilities, targets, says):
    with pytest.raises(DataError, match=says):
        check_predictions(probabilities, targets)


def test_the_refusal_names_the_first_wrong_sample():
    with pytest.raises(DataError, match=r"b\.jpg"):
        check_predictions(np.array([[0.5, 0.5], [np.inf, 0]]), [0, 1], ["a.jpg", "b.jpg"])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_softmax_of_any_precision_over_many_classes_is_accepted(dtype):
    p, t = seeded(classes=1000, n=20, dtype=dtype)
    checked, targets = check_predictions(p, t.astype(np.int32))
    assert checked.dtype in (np.float32, np.float64)
    assert targets.dtype == np.int64
