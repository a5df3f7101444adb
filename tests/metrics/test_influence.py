# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from lepton_lab import metrics
from lepton_lab.metrics.curves import Thresholds
from lepton_lab.metrics.influence import auc_influence, rank_classes, standard_error
from tests.metrics.predictions import predictions, seeded


def delong_error(scores, positive):
    """DeLong et al. (1988) as it is printed: every pair compared."""
    inside, outside = scores[positive], scores[~positive]
    wins = (inside[:, None] > outside) + 0.5 * (inside[:, None] == outside)
    variance = wins.mean(axis=1).var(ddof=1) / len(inside)
    return np.sqrt(variance + wins.mean(axis=0).var(ddof=1) / len(outside))


@pytest.mark.parametrize("levels", [None, 1])
def test_the_error_of_one_area_is_delongs(levels):
    p, t = seeded(n=120, classes=3, levels=levels)
    positive = t == 2
    found = standard_error(auc_influence(Thresholds.of(p[:, 2], positive), positive))
    assert found == pytest.approx(delong_error(p[:, 2], positive))


@pytest.mark.parametrize("which", [0, 1])
def test_influences_are_what_leaving_one_sample_out_changes(which):
    p, t = seeded(n=400, classes=3, levels=4)
    metric = (metrics.roc_auc, metrics.average_precision)[which]
    ranked = rank_classes(p, t)[which]
    whole, n = metric(p, t), len(t)
    left_out = np.array([(whole - metric(np.delete(p, i, 0), np.delete(t, i))) for i in range(n)])
    assert ranked.value == pytest.approx(whole)
    assert np.corrcoef(ranked.influence, left_out)[0, 1] > 0.999
    assert ranked.influence.std() == pytest.approx((left_out * n).std(), rel=0.03)


@pytest.mark.parametrize("which", [0, 1])
def test_the_error_of_the_macro_average_agrees_with_the_bootstrap(which):
    p, t = seeded(n=500, classes=4)
    metric = (metrics.roc_auc, metrics.average_precision)[which]
    generator = np.random.default_rng(0)
    drawn = [metric(p[i], t[i]) for i in generator.integers(0, 500, (300, 500))]
    assert rank_classes(p, t)[which].standard_error == pytest.approx(np.std(drawn), rel=0.15)


@settings(max_examples=50, deadline=None)
@given(predictions())
def test_influences_cancel_over_the_samples(case):
    p, t = case
    for ranked in rank_classes(p, t):
        assert np.isfinite(ranked.influence).all()
    precision = rank_classes(p, t)[1]
    assert precision.influence.mean() == pytest.approx(0, abs=1e-9)


def test_two_models_share_the_luck_of_the_sample():
    p, t = seeded(n=400, classes=3)
    other = p**0.8 / (p**0.8).sum(axis=1, keepdims=True)
    a, b = rank_classes(p, t)[0], rank_classes(other, t)[0]
    assert standard_error(a.influence - b.influence) < 0.3 * a.standard_error
