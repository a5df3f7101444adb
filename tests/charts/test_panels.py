# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import math

import numpy as np

from lepton_lab.charts import History
from lepton_lab.charts.panels import Points, panels
from lepton_lab.events import Evaluated, StepDone


def step(number, loss=0.5):
    return StepDone(number, 1, loss, 1e-3, 60.0, time=float(number))


def test_a_whole_run_has_five_panels_and_each_keeps_to_its_points(make_run):
    view = History.from_events(make_run(epochs=60, per_epoch=50)).snapshot()
    few = Points(loss=100, metric=30, learning_rate=20, throughput=10, memory=5)
    shown = {panel.key: panel for panel in panels(view, few)}
    assert list(shown) == ["loss", "metric", "learning_rate", "throughput", "memory"]
    assert [len(trace.x) <= 100 for trace in shown["loss"].traces] == [True, True]
    assert len(shown["metric"].traces[0].x) <= 30
    assert len(shown["learning_rate"].traces[0].x) <= 20
    assert len(shown["throughput"].traces[0].x) <= 10


def test_only_panels_with_something_to_show_are_drawn():
    assert panels(History().snapshot()) == []
    only_scores = History.from_events([Evaluated(3, 1, "val", {"accuracy": 0.5})])
    assert [panel.key for panel in panels(only_scores.snapshot())] == ["metric"]


def test_a_split_keeps_its_style_in_every_panel():
    history = History.from_events([step(1), Evaluated(1, 1, "val", {"loss": 1.0, "accuracy": 0.5})])
    loss, metric, *_ = panels(history.snapshot())
    assert {trace.name: trace.style for trace in loss.traces} == {"train": 0, "val": 1}
    assert {trace.name: trace.style for trace in metric.traces} == {"val": 1}


def test_a_cross_stands_at_the_broken_step_as_high_as_the_value_before():
    history = History.from_events([step(1, 0.8), step(2, 0.6), step(3, math.nan), step(4, 0.4)])
    loss = panels(history.snapshot())[0]
    x, y = loss.crosses
    assert x.tolist() == [3.0] and y.tolist() == [0.6]
    assert np.isnan(loss.traces[0].y[2])


def test_a_run_of_nothing_but_broken_losses_still_has_its_crosses():
    history = History.from_events([step(1, math.nan), step(2, math.inf)])
    x, y = panels(history.snapshot())[0].crosses
    assert x.tolist() == [1.0, 2.0] and y.tolist() == [0.0, 0.0]
