# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_lab.charts import History
from lepton_lab.charts.svg import svg, ticks
from lepton_lab.events import Alert, Evaluated, RunStarted, StepDone

SPACE = "{http://www.w3.org/2000/svg}"


@given(st.text(min_size=1, max_size=40))
def test_the_picture_is_well_formed_whatever_the_names_are(name):
    events = [
        RunStarted(name, name, name, "t", name, 1, 1, time=1.0),
        StepDone(1, 1, 0.5, 1e-3, 60.0, time=2.0),
        Evaluated(1, 1, name, {name: 0.5, "loss": 1.0}),
        Alert(1, "warning", name),
    ]
    root = ElementTree.fromstring(svg(History.from_events(events).snapshot()))
    assert {node.tag.removeprefix(SPACE) for node in root.iter()} <= {
        "svg",
        "title",
        "text",
        "g",
        "path",
        "circle",
    }


def test_the_picture_has_a_title_its_panels_and_the_numbers(make_run):
    root = ElementTree.fromstring(svg(History.from_events(make_run()).snapshot()))
    assert root.find(f"{SPACE}title").text == "✓ Done in 15.0 s · pets-3"
    words = [node.text for node in root.iter(f"{SPACE}text")]
    assert {
        "loss by step",
        "accuracy by step",
        "learning rate by step",
        "samples per second by step",
    } <= set(words)
    assert any("val accuracy 0.990" in line for line in words)


def test_a_broken_value_lifts_the_pen_and_leaves_a_cross(make_run):
    whole = svg(History.from_events(make_run()).snapshot())
    broken = svg(History.from_events(make_run(nan=(50,))).snapshot())
    assert "✗" not in whole and broken.count("✗") == 1
    assert broken.count("M") == whole.count("M") + 1


@pytest.mark.parametrize("events", [[], [StepDone(1, 1, float("nan"), 0.0, 0.0, time=1.0)]])
def test_a_run_with_nothing_or_nothing_finite_still_draws(events):
    picture = svg(History.from_events(events).snapshot())
    ElementTree.fromstring(picture)
    assert "nan" not in picture


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_round_few_and_inside_the_range(low, span):
    found = ticks(low, low + span)
    assert 1 <= len(found) <= 9
    assert (
        all(low - span * 0.01 <= tick <= low + span * 1.01 for tick in found)
        or span < abs(low) * 1e-4
    )
