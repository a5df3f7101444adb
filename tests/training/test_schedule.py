# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_lab.training.schedule import factor

SHAPES = ("cosine", "linear", "onecycle", "polynomial", "step", "constant")


@given(st.sampled_from(SHAPES), st.integers(1, 500), st.floats(0, 0.9))
def test_the_rate_stays_between_zero_and_its_peak(shape: str, total: int, warmup: float) -> None:
    rates = [factor(step, total, shape, warmup) for step in range(total)]
    assert all(0 <= rate <= 1 for rate in rates)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_rate_rises_during_warmup_and_never_after_it(shape: str) -> None:
    rates = [factor(step, 100, shape, 0.2) for step in range(100)]
    assert all(a < b for a, b in pairwise(rates[:20]))
    assert rates[19] == pytest.approx(1.0)
    assert all(a >= b for a, b in pairwise(rates[20:]))


@pytest.mark.parametrize("shape", ["cosine", "linear", "onecycle", "polynomial"])
def test_the_rate_ends_at_zero(shape: str) -> None:
    assert factor(100, 100, shape, 0.1) == pytest.approx(0.0, abs=1e-9)


def test_without_warmup_the_first_step_has_the_peak_rate() -> None:
    assert factor(0, 10, "cosine", 0.0) == 1.0
