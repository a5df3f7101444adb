# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_lab.training.schedule import Course, factor

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


@given(
    st.integers(2, 300), st.lists(st.tuples(st.integers(1, 40), st.integers(1, 300)), max_size=6)
)
def test_a_course_that_is_changed_goes_on_from_where_it_is_to_the_end_of_its_schedule(
    planned: int, changes: list[tuple[int, int]]
) -> None:
    course, step = Course(planned), 0
    for further, left in changes:
        step = min(step + further, course.total - 1)
        before = course.place(step)
        course = course.changed(step, step + left)
        assert course.place(step) == before
        assert course.changed(step, course.total).place(step + left) == course.place(step + left)
    assert course.place(course.total) == planned
    places = [course.place(s) for s in range(course.total + 1)]
    assert places == sorted(places)


def test_a_course_that_was_never_changed_changes_no_bit() -> None:
    assert all(float(Course(97).place(step)) == step for step in range(98))
