# SPDX-License-Identifier: BSD-3-Clause
"""Which curves a run is drawn with: the one answer that Plotly, the SVG and the live card share.

Five panels, each only when it has something to show: the loss of every step with the validation
loss over it, the metric by which the run selects, the learning rate, the throughput and the memory.
The x axis is the optimizer step everywhere, so that the panels can be read one above the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lepton_lab.charts.decimate import Floats, fewer
from lepton_lab.charts.history import Snapshot

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
DASHES = ("solid", "dash", "dot", "dashdot")
INK = "#767676"
FAINT = "rgba(127,127,127,0.25)"
BROKEN_SHOWN = 50
MARKED = 24
PARENT = 3


@dataclass(frozen=True)
class Trace:
    """A curve: (N,) steps and (N,) values; a value that is not finite is a gap.

    `style` numbers its color and its dash pattern together, so that no two curves of a panel differ
    by color alone. `marked` curves have so few points that each is shown.
    """

    name: str
    x: Floats
    y: Floats
    style: int = 0
    marked: bool = False


def color(trace: Trace) -> str:
    """The color of a curve."""
    return COLORS[trace.style % len(COLORS)]


@dataclass(frozen=True)
class Panel:
    """One chart: its curves, and the steps at which a value was not a number.

    `compares` panels draw splits, which a legend tells apart.
    """

    key: str
    title: str
    traces: tuple[Trace, ...]
    broken: tuple[int, ...] = ()
    compares: bool = False
    from_zero: bool = False

    @property
    def crosses(self) -> tuple[Floats, Floats]:
        """(N,) steps and heights of the marks for broken values, as high as the value before."""
        steps = np.array(self.broken[-BROKEN_SHOWN:], float)
        if not len(steps):
            return steps, steps
        x, y = self.traces[0].x, self.traces[0].y
        x, y = x[np.isfinite(y)], y[np.isfinite(y)]
        if not len(x):
            return steps, np.zeros(len(steps))
        return steps, y[np.clip(np.searchsorted(x, steps) - 1, 0, len(x) - 1)]


@dataclass(frozen=True)
class Points:
    """How many points the curves of a panel may have."""

    loss: int = 600
    metric: int = 300
    learning_rate: int = 150
    throughput: int = 200
    memory: int = 100


def panels(view: Snapshot, points: Points | None = None) -> list[Panel]:
    """The panels of a run that have data, in reading order.

    Args:
        view: The run at one moment.
        points: The most points per curve; those of a saved picture when left out.
    """
    points = points or Points()
    metric = view.metric
    losses = (
        *_steps(view, "loss", "train", points.loss),
        *_splits(view, "loss", points),
        *_parent(view, "train/loss", points.metric),
    )
    scores: tuple[Trace, ...] = ()
    if metric != "loss":
        scores = (*_splits(view, metric, points), *_parent(view, f"val/{metric}", points.metric))
    found = [
        Panel("loss", "loss", losses, view.broken, compares=True),
        Panel("metric", metric, scores, compares=True),
        Panel(
            "learning_rate",
            "learning rate",
            _steps(view, "learning_rate", "rate", points.learning_rate),
        ),
        Panel(
            "throughput",
            "samples per second",
            _steps(view, "samples_per_second", "samples", points.throughput),
            from_zero=True,
        ),
        Panel("memory", "memory in GB", _memory(view, points.memory), from_zero=True),
    ]
    return [panel for panel in found if panel.traces]


def _steps(view: Snapshot, column: str, name: str, limit: int) -> tuple[Trace, ...]:
    if not len(view.steps):
        return ()
    x, y = fewer(view.column("step"), view.column(column), limit)
    return (Trace(name, x, y, marked=len(x) == 1),)


def _parent(view: Snapshot, curve: str, limit: int) -> tuple[Trace, ...]:
    """The curve of the run from which this one branched off: the trunk of the fork, and its other prong."""
    found = view.fork.curves.get(curve) if view.fork is not None else None
    try:
        steps, values = (np.array(column, np.float64) for column in found or ())
        x, y = fewer(steps, values[: len(steps)], limit)
    except (TypeError, ValueError, IndexError):
        return ()
    name = view.fork.parent if view.fork is not None else ""
    return (Trace(f"{name} (parent)", x, y, style=PARENT, marked=len(x) <= MARKED),)


def _memory(view: Snapshot, limit: int) -> tuple[Trace, ...]:
    """The peak of each step in GB; a device that does not tell says 0 throughout."""
    if not view.column("memory").any():
        return ()
    return tuple(replace(trace, y=trace.y / 1e9) for trace in _steps(view, "memory", "peak", limit))


def _splits(view: Snapshot, metric: str, points: Points) -> tuple[Trace, ...]:
    found = sorted((split for split, name in view.metrics if name == metric), key=_rank)
    curves = [(split, *fewer(*view.metrics[split, metric], points.metric)) for split in found]
    return tuple(
        Trace(split, x, y, style=_style(split, i), marked=len(x) <= MARKED)
        for i, (split, x, y) in enumerate(curves)
    )


def _rank(split: str) -> int:
    return {"train": 0, "val": 1, "test": 2}.get(split, 3)


def _style(split: str, position: int) -> int:
    """The same split looks the same in every panel."""
    return _rank(split) if _rank(split) < 3 else 3 + position
