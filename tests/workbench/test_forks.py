# SPDX-License-Identifier: BSD-3-Clause
"""The chart of a branch shows the run that it left, before and after the fork, also when that one is gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import lepton_lab as lab
from lepton_lab.charts.panels import panels
from lepton_lab.events import Forked, from_line, to_line


def _traces(run: lab.Run, key: str) -> dict[str, tuple[list[float], list[float]]]:
    panel = next(p for p in panels(run.chart.snapshot()) if p.key == key)
    return {trace.name: (trace.x.tolist(), trace.y.tolist()) for trace in panel.traces}


def test_parent_and_child_are_drawn_as_a_fork(flowers: Path) -> None:
    parent = lab.train(
        "lepton_glyphs", flowers, epochs=3, batch_size=8, name="trunk", checkpoint_every=2
    )
    step = min(
        int(path.name[5:])
        for path in parent.path.glob("checkpoints/step-*")
        if path.name != "step-0"
    )
    child = parent.branch(step=step, learning_rate=1e-5)
    for key in ("loss", "metric"):
        own, left = _traces(child, key), _traces(parent, key)
        curve = {"loss": "train", "metric": "val"}[key]
        assert own["trunk (parent)"][0] == left[curve][0]
        np.testing.assert_allclose(own["trunk (parent)"][1], left[curve][1], rtol=1e-4)
        assert own["trunk (parent)"][0][0] <= step < own["trunk (parent)"][0][-1]
        assert own[curve][0][0] > step
    parent.delete()
    assert "trunk (parent)" in _traces(lab.run(child.name), "loss")
    assert "(parent)" in str(child.show()._repr_mimebundle_())


def test_a_fork_of_a_strange_journal_is_not_drawn_and_does_no_harm() -> None:
    from lepton_lab.charts import History
    from lepton_lab.events import StepDone

    steps = [StepDone(i, 1, 0.5, 1e-3, 10.0, time=float(i)) for i in range(1, 4)]
    for curves in ({"train/loss": [[1], ["x"]]}, {"train/loss": 3}, {"train/loss": [[1, 2]]}, {}):
        event = from_line(to_line(Forked(2, "a", curves, time=1.0)))
        view = History.from_events([event, *steps]).snapshot()
        assert [trace.name for trace in panels(view)[0].traces] == ["train"]
