# SPDX-License-Identifier: BSD-3-Clause
"""A chart of an evaluation: interactive where Plotly is, a static picture where it is not.

A figure is plain data (Plotly's own JSON), the same numbers drawn as SVG, and one line of text;
nothing here imports Plotly. Each kind of chart is one file in `drawings/` that registers one
`Plot`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lepton_lab.evaluation.svg import INK, PAPER, Series, label
from lepton_lab.metrics import Measurement
from lepton_lab.registry import Registry

PLOTLY = "application/vnd.plotly.v1+json"
_DASHES = {"": "solid", "6 3": "dash", "2 2": "dot", "8 3 2 3": "dashdot", "3 3": "dot"}
_ENTITIES = str.maketrans({c: f"&#{ord(c)};" for c in "&<>$"})


@dataclass(frozen=True)
class Figure:
    """One chart in three forms.

    Attributes:
        data: Plotly traces, plain JSON values.
        layout: Plotly layout, plain JSON values.
        svg: The same chart as a static picture.
        text: The same in a line of words.
    """

    data: list[dict[str, Any]]
    layout: dict[str, Any]
    svg: str
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Plotly's JSON."""
        return {"data": self.data, "layout": self.layout}

    def to_plotly(self) -> Any:
        """A `plotly.graph_objects.Figure` to work on further."""
        import plotly.graph_objects as go

        return go.Figure(self.to_dict())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {PLOTLY: self.to_dict(), "image/svg+xml": self.svg, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Plot:
    """A kind of chart: its name, what it shows, and what draws it from a measurement."""

    name: str
    description: str
    draw: Callable[[Measurement, Sequence[str]], Figure]


plots: Registry[Plot] = Registry("plot", "evaluation.plot('confusion')")


def plotly_text(value: object, width: int = 40) -> str:
    """User text for Plotly, which reads some tags and TeX between dollar signs in any label."""
    return label(value, width).translate(_ENTITIES)


def layout(title: str, x: str, y: str, **more: Any) -> dict[str, Any]:
    """The layout all charts share: a white card with dark ink, readable in both themes.

    Plotly cannot read the theme's CSS variables, so the card brings its own paper.
    """
    axis = {"gridcolor": "#dddddd", "zerolinecolor": "#bbbbbb", "linecolor": INK}
    return {
        "title": {"text": plotly_text(title, 120), "font": {"size": 14}},
        "font": {"color": INK, "size": 12},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "margin": {"l": 60, "r": 20, "t": 50, "b": 50},
        "xaxis": {**axis, "title": {"text": x}, **more.pop("xaxis", {})},
        "yaxis": {**axis, "title": {"text": y}, **more.pop("yaxis", {})},
        **more,
    }


def plotly_line(series: Series, hover: str) -> dict[str, Any]:
    """The Plotly trace of a series."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": plotly_text(series.name),
        "x": np.round(series.x, 5).tolist(),
        "y": np.round(series.y, 5).tolist(),
        "line": {"color": series.color, "dash": _DASHES[series.dash], "width": 2},
        "hovertemplate": hover,
    }
