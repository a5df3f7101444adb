# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json

import pytest

from lepton_lab.charts import History
from lepton_lab.charts.figures import figure, numbers
from lepton_lab.events import Evaluated


def test_plotly_accepts_the_figure_and_json_has_no_nan(make_run):
    graph_objects = pytest.importorskip("plotly.graph_objects")
    made = figure(History.from_events(make_run(nan=(5, 6))).snapshot())
    json.dumps(made, allow_nan=False)
    accepted = graph_objects.Figure(data=made["data"], layout=made["layout"])
    assert {trace.name for trace in accepted.data} == {
        "train",
        "val",
        "rate",
        "samples",
        "peak",
        "not a number",
    }


def test_a_broken_value_is_a_gap_with_a_cross_and_never_zero(make_run):
    made = figure(History.from_events(make_run(nan=(5,))).snapshot())
    loss = made["data"][0]
    assert loss["y"][4] is None and 0 not in loss["y"]
    (cross,) = [trace for trace in made["data"] if trace["mode"] == "markers"]
    assert cross["x"] == [5] and cross["marker"]["symbol"] == "x"


def test_curves_differ_by_dash_and_not_by_color_alone(make_run):
    loss_panel = [
        t for t in figure(History.from_events(make_run()).snapshot())["data"] if t["xaxis"] == "x"
    ]
    assert len({trace["line"]["dash"] for trace in loss_panel}) == len(loss_panel) == 2


def test_names_with_markup_are_escaped_for_plotly(make_run):
    name = '<a href="https://example.org">x</a>'
    made = json.dumps(figure(History.from_events(make_run(name=name, metric=name)).snapshot()))
    assert "<a" not in made and "&lt;a href=" in made


def test_the_background_is_transparent_and_no_template_is_carried(make_run):
    layout = figure(History.from_events(make_run()).snapshot())["layout"]
    assert layout["template"] == "none"
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"


def test_a_lone_panel_takes_the_whole_width():
    made = figure(History.from_events([Evaluated(3, 1, "val", {"accuracy": 0.5})]).snapshot())
    assert made["layout"]["xaxis"]["domain"] == [0.0, 1.0]


def test_numbers_are_short_whole_where_they_are_whole_and_none_where_they_are_not_numbers():
    import numpy as np

    assert numbers(np.array([1.0, 0.123456789, np.nan, np.inf, 1e-9])) == [
        1,
        0.12346,
        None,
        None,
        1e-9,
    ]
    assert isinstance(numbers(np.array([7.0]))[0], int)
