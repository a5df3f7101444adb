# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lepton_lab.charts.decimate import fewer, min_max

values = arrays.arrays(np.float64, st.integers(1, 600), elements=st.floats(width=32))
limits = st.integers(5, 200)
both = pytest.mark.parametrize("decimate", [min_max, fewer])


@both
@given(values, limits)
def test_the_result_is_a_subset_in_order_within_the_limit_and_keeps_both_ends(decimate, y, limit):
    x = np.arange(len(y), dtype=float)
    few_x, few_y = decimate(x, y, limit)
    assert len(few_x) == len(few_y) <= max(limit, 0)
    assert (np.diff(few_x) > 0).all()
    assert np.array_equal(few_y, y[few_x.astype(int)], equal_nan=True)
    assert few_x[0] == x[0] and few_x[-1] == x[-1]


@both
@given(values, limits)
def test_the_lowest_and_the_highest_value_survive(decimate, y, limit):
    _, few = decimate(np.arange(len(y), dtype=float), y, limit)
    finite, kept = y[np.isfinite(y)], few[np.isfinite(few)]
    if len(finite):
        assert kept.min() == finite.min() and kept.max() == finite.max()


@both
@given(values, limits)
def test_where_anything_was_not_finite_a_gap_remains(decimate, y, limit):
    _, few = decimate(np.arange(len(y), dtype=float), y, limit)
    assert np.isfinite(few).all() == np.isfinite(y).all()


@both
def test_a_gap_stays_between_the_points_that_it_parted(decimate):
    y = np.ones(10_000)
    y[7000] = np.nan
    few_x, few_y = decimate(np.arange(10_000.0), y, 60)
    assert few_x[np.isnan(few_y)].tolist() == [7000.0]


@both
def test_a_spike_of_one_point_in_a_million_is_still_drawn(decimate):
    y = np.zeros(1_000_000)
    y[654_321] = 5.0
    few_x, few_y = decimate(np.arange(1e6), y, 100)
    assert few_x[few_y == 5.0].tolist() == [654_321.0]


@both
def test_a_short_series_is_returned_as_it_is(decimate):
    x = np.arange(10.0)
    assert decimate(x, x, 10)[0] is x


@both
def test_a_limit_too_small_to_keep_the_extremes_is_refused(decimate):
    with pytest.raises(ValueError, match="at least 5"):
        decimate(np.arange(9.0), np.arange(9.0), 4)


def test_a_smooth_curve_is_drawn_closer_than_by_its_extremes_alone():
    x = np.arange(20_000.0)
    y = np.exp(-x / 6000) + 0.05 * np.sin(x / 300)

    def error(few):
        return float(np.abs(np.interp(x, *few) - y).mean())

    assert error(fewer(x, y, 100)) < 0.5 * error(min_max(x, y, 100))
