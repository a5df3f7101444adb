# SPDX-License-Identifier: BSD-3-Clause
"""A run as one Plotly figure, as a plain dict of JSON values.

The figure is written by hand: Plotly's default template alone weighs more than the curves. The
background is transparent and the text a grey of medium contrast, because a saved picture cannot
know whether the page around it is light or dark. Every name is data; Plotly reads a little HTML in
its texts, so names are escaped.
"""

from __future__ import annotations

import html
import math
from typing import Any

from lepton_lab.charts import words
from lepton_lab.charts.decimate import Floats
from lepton_lab.charts.history import Snapshot
from lepton_lab.charts.panels import COLORS, DASHES, FAINT, INK, Panel, Trace, color, panels
from lepton_lab.rendering import visible

MIME = "application/vnd.plotly.v1+json"
ROW_HEIGHT = 210
ROW_GAP = 76
LINE = 72


def figure(view: Snapshot) -> dict[str, Any]:
    """The Plotly figure of a run: `data`, `layout` and `config`, without numpy and without nan.

    A value that is not a number is null, which Plotly draws as a gap; its step is marked with a
    cross.
    """
    shown = panels(view)
    rows = max(-(-len(shown) // 2), 1)
    title = _title(view)
    layout = _layout(title, rows * ROW_HEIGHT)
    data: list[dict[str, Any]] = []
    named: set[str] = set()
    for index, panel in enumerate(shown):
        suffix = "" if index == 0 else str(index + 1)
        layout |= _axes(panel, suffix, *_domain(index, len(shown), rows))
        layout["annotations"].append(_heading(panel, suffix))
        data += [_line(trace, panel, suffix, named) for trace in panel.traces]
        data += _crosses(panel, suffix)
    return {"data": data, "layout": layout, "config": {"displaylogo": False, "responsive": True}}


def text(name: str, width: int = 60) -> str:
    """A user's name as Plotly text, cut to `width`: its few tags and its entities do nothing."""
    short = visible(name)
    return html.escape(short if len(short) <= width else short[: width - 1] + "…", quote=False)


def numbers(values: Floats, digits: int = 5) -> list[float | int | None]:
    """JSON numbers of `digits` significant digits; what is not finite becomes None."""
    return [_number(float(value), digits) for value in values]


def _number(value: float, digits: int) -> float | int | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def _line(trace: Trace, panel: Panel, suffix: str, named: set[str]) -> dict[str, Any]:
    dash = DASHES[trace.style % len(DASHES)]
    line: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers" if trace.marked else "lines",
        "name": text(trace.name),
        "legendgroup": text(trace.name),
        "showlegend": panel.compares and trace.name not in named,
        "x": numbers(trace.x, 15),
        "y": numbers(trace.y),
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
        "line": {"color": color(trace), "dash": dash, "width": 1.5},
        "hovertemplate": "step %{x}: %{y:.4~g}",
    }
    named.add(trace.name)
    return line


def _crosses(panel: Panel, suffix: str) -> list[dict[str, Any]]:
    x, y = panel.crosses
    if not len(x):
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "not a number",
            "x": numbers(x, 15),
            "y": numbers(y),
            "xaxis": f"x{suffix}",
            "yaxis": f"y{suffix}",
            "marker": {"symbol": "x", "size": 9, "color": COLORS[1]},
            "hovertemplate": "step %{x}: not a number",
        }
    ]


def _title(view: Snapshot) -> list[str]:
    first, *others = words.caption(view, LINE)
    return [f"<b>{text(first, LINE)}</b>", *(text(line, LINE) for line in others)]


def _layout(title: list[str], height: int) -> dict[str, Any]:
    top = 54 + 16 * len(title)
    return {
        "template": "none",
        "height": height + top,
        "margin": {"l": 50, "r": 12, "t": top, "b": 28},
        "title": {
            "text": "<br>".join(title),
            "font": {"size": 12},
            "x": 0.01,
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 18},
        },
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": INK, "size": 12},
        "legend": {
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "y": 1 + 18 / height,
            "yanchor": "bottom",
        },
        "hovermode": "closest",
        "annotations": [],
    }


def _domain(index: int, count: int, rows: int) -> tuple[list[float], list[float]]:
    """Two columns, read in rows; a last panel that stands alone takes the whole row."""
    row, column = divmod(index, 2)
    alone = index == count - 1 and column == 0
    x = [0.0, 1.0] if alone else [[0.0, 0.45], [0.55, 1.0]][column]
    gap = ROW_GAP / (rows * ROW_HEIGHT) if rows > 1 else 0.0
    height = (1 - gap * (rows - 1)) / rows
    top = 1 - row * (height + gap)
    return x, [round(max(top - height, 0.0), 4), round(top, 4)]


def _axes(panel: Panel, suffix: str, x: list[float], y: list[float]) -> dict[str, Any]:
    common = {"gridcolor": FAINT, "linecolor": FAINT, "zeroline": False}
    return {
        f"xaxis{suffix}": {**common, "domain": x, "anchor": f"y{suffix}", "nticks": 6},
        f"yaxis{suffix}": {
            **common,
            "domain": y,
            "anchor": f"x{suffix}",
            "nticks": 5,
            "rangemode": "tozero" if panel.from_zero else "normal",
            "exponentformat": "power" if panel.key == "learning_rate" else "SI",
        },
    }


def _heading(panel: Panel, suffix: str) -> dict[str, Any]:
    return {
        "text": f"{text(panel.title)} by step",
        "xref": f"x{suffix} domain",
        "yref": f"y{suffix} domain",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
    }
