# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from lepton_lab.errors import DataError
from lepton_lab.metrics.intervals import bootstrap
from lepton_lab.metrics.regression import (
    mean_absolute_error,
    r_squared,
    regression_intervals,
    regression_values,
    root_mean_squared_error,
)


def numbers(n: int = 200, seed: int = 0, mean: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    targets = np.round(random.normal(mean, 2, n), 1)
    return targets + random.normal(0.3, 1, n), targets


@pytest.mark.parametrize("mean", [0.0, 1e6])
def test_the_values_are_those_of_scikit_learn_and_scipy(mean):
    p, t = numbers(mean=mean)
    found = regression_values(p, t)
    assert list(found) == ["rmse", "mae", "r2", "pearson", "spearman"]
    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(t, p))
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(t, p))
    assert found["r2"] == pytest.approx(sk.r2_score(t, p))
    assert found["pearson"] == pytest.approx(stats.pearsonr(p, t).statistic)
    assert found["spearman"] == pytest.approx(stats.spearmanr(p, t).statistic)
    single = (root_mean_squared_error(p, t), mean_absolute_error(p, t), r_squared(p, t))
    assert single == (found["rmse"], found["mae"], found["r2"])


def test_the_intervals_are_those_of_resampling_the_metric_itself():
    p, t = numbers()
    found = regression_intervals(p, t)
    for name, metric in (
        ("rmse", lambda p, t: sk.root_mean_squared_error(t, p)),
        ("mae", lambda p, t: sk.mean_absolute_error(t, p)),
        ("r2", lambda p, t: sk.r2_score(t, p)),
        ("pearson", lambda p, t: np.corrcoef(p, t)[0, 1]),
    ):
        low, high = found[name]
        assert low <= regression_values(p, t)[name] <= high
        assert (low, high) == pytest.approx(bootstrap(metric, p, t), abs=0.15 * (high - low))


def test_the_same_numbers_have_the_same_intervals():
    assert regression_intervals(*numbers()) == regression_intervals(*numbers())


def test_targets_of_one_value_have_no_share_of_variance():
    found = regression_values([0.1, 0.3, 0.2], [0.1, 0.1, 0.1])
    assert math.isnan(found["r2"])
    assert math.isnan(found["pearson"])
    assert found["mae"] == pytest.approx(0.1)


def test_a_column_of_outputs_is_taken_for_its_numbers():
    p, t = numbers(10)
    assert regression_values(p[:, None], t) == regression_values(p, t)


@pytest.mark.parametrize(
    ("p", "t", "said"),
    [
        ([1.0], [1.0, 2.0], "do not belong together"),
        ([], [], "nothing to evaluate"),
        ([1.0, math.nan], [1.0, 2.0], "model returned NaN"),
        ([1.0, 2.0], [1.0, math.inf], "targets hold NaN"),
    ],
)
def test_what_is_no_evaluation_is_said(p, t, said):
    with pytest.raises(DataError, match=said):
        regression_values(p, t)
