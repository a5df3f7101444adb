# SPDX-License-Identifier: BSD-3-Clause
"""A run as a cell's output: for our renderer, Plotly for other notebooks, SVG for a page, text for a terminal.

These four parts redraw with no kernel, no widget and no network. A PNG is left out on purpose:
JupyterLab's Plotly renderer would show it instead of the chart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lepton_lab.charts import document, figures, words
from lepton_lab.charts import svg as pictures
from lepton_lab.charts.history import History
from lepton_lab.events import Event


def final_bundle(history: History, path: str = "") -> dict[str, Any]:
    """The MIME bundle of a run: the run document, `application/vnd.plotly.v1+json`, `image/svg+xml`, `text/plain`.

    Under 60 KB for a run of 10,000 steps. A run without any number yet has no Plotly part.

    Args:
        history: The folded events.
        path: The run's folder, relative to the notebook.
    """
    view = history.snapshot()
    figure = figures.figure(view)
    return {
        document.MIME: document.run_document(history, path),
        **({figures.MIME: figure} if figure["data"] else {}),
        pictures.MIME: pictures.svg(view),
        "text/plain": words.summary(view),
    }


def text_line(history: History) -> str:
    """The run in one line, as a terminal shows it."""
    return words.line(history.snapshot())


def summary(history: History) -> str:
    """The run in at most twelve lines of text."""
    return words.summary(history.snapshot())


class RunChart:
    """A run that shows itself as its final picture, live or long after.

    Args:
        history: The folded events; later events show when it is displayed again.
    """

    def __init__(self, history: History) -> None:
        self.history = history

    def __repr__(self) -> str:
        return summary(self.history)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return final_bundle(self.history)


def show(events: Iterable[Event] | History) -> RunChart:
    """The picture of a run from its history, its journal, or any events in order.

    >>> from lepton_lab.events import StepDone
    >>> show([StepDone(1, 1, 0.7, 1e-3, 60.0, time=1.0)])
    ● Training · step 1
    steps          1
    train loss     0.700
    learning rate  1e-3
    samples/s      60
    """
    return RunChart(events if isinstance(events, History) else History.from_events(events))
