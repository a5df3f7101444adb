# SPDX-License-Identifier: BSD-3-Clause
"""What a branch tells of the run that it left, so that every chart of it shows the fork."""

from __future__ import annotations

from lepton_lab.charts import History
from lepton_lab.charts.decimate import Floats, fewer
from lepton_lab.charts.figures import numbers
from lepton_lab.events import Forked
from lepton_lab.journal import RunFolder

POINTS = 150


def forked(parent: RunFolder, step: int) -> Forked:
    """The event that says where a run began: the parent's name and its curves as they are now.

    Args:
        parent: The folder of the run that was left.
        step: The step of it at which the branch begins.
    """
    view = History.from_events(parent.events()).snapshot()
    curves = {f"{split}/{name}": curve for (split, name), curve in view.metrics.items()}
    if len(view.steps):
        curves["train/loss"] = view.column("step"), view.column("loss")
    thinned = {name: _thinned(*curve) for name, curve in curves.items() if len(curve[0])}
    return Forked(step, parent.name, thinned)


def _thinned(steps: Floats, values: Floats) -> list[list[float | int | None]]:
    x, y = fewer(steps, values, POINTS)
    return [numbers(x, 15), numbers(y)]
