# SPDX-License-Identifier: BSD-3-Clause
"""Precision, recall and F1 of every class, the weakest on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lepton_lab.evaluation.figures import Figure, Plot, layout, plotly_text, plots
from lepton_lab.evaluation.svg import BLUE, GREEN, VERMILLION, Canvas, label
from lepton_lab.metrics import (
    Measurement,
    f1_per_class,
    precision_per_class,
    recall_per_class,
    wilson,
)

MOST_CLASSES = 30
_LEFT, _SIDE, _TOP, _ROW = 150, 240, 58, 18
_STYLE = {"precision": (VERMILLION, "diamond"), "recall": (BLUE, "circle"), "f1": (GREEN, "square")}


def draw(measured: Measurement, classes: Sequence[str]) -> Figure:
    """The figure of at most thirty classes, lowest F1 first; recall with its 95 % interval."""
    counts = measured.counts
    columns = {
        "precision": precision_per_class(counts),
        "recall": recall_per_class(counts),
        "f1": f1_per_class(counts),
    }
    present = np.flatnonzero(counts.present)
    shown = present[np.argsort(columns["f1"][present], kind="stable")][:MOST_CLASSES]
    rest = f", the {len(shown)} lowest of {len(present)}" if len(present) > len(shown) else ""
    title = f"Per class: macro F1 {measured.values['f1']:.3f}{rest}"
    bounds = [wilson(int(counts.hits[c]), int(counts.support[c])) for c in shown]
    names = [classes[c] for c in shown]
    columns = {name: values[shown] for name, values in columns.items()}
    rows = list(range(len(shown)))
    return Figure(
        data=[_trace(name, values, rows, names, bounds) for name, values in columns.items()],
        layout=layout(
            title,
            "precision, recall, F1",
            "",
            xaxis={"range": [-0.02, 1.02]},
            yaxis={
                "tickvals": rows,
                "ticktext": [plotly_text(name, 24) for name in names],
                "autorange": "reversed",
                "automargin": True,
            },
            height=140 + 24 * len(shown),
        ),
        svg=_svg(title, names, columns, bounds),
        text=title,
    )


def _trace(
    name: str,
    values: np.ndarray,
    rows: list[int],
    classes: Sequence[str],
    bounds: list[tuple[float, float]],
) -> dict[str, Any]:
    color, symbol = _STYLE[name]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": np.round(values, 4).tolist(),
        "y": rows,
        "customdata": [plotly_text(c) for c in classes],
        "marker": {"color": color, "symbol": symbol, "size": 9},
        "hovertemplate": "%{customdata}<br>" + name + " %{x:.3f}<extra></extra>",
    }
    if name == "recall":
        trace["error_x"] = {
            "type": "data",
            "symmetric": False,
            "array": np.round(np.array([high for _, high in bounds]) - values, 4).tolist(),
            "arrayminus": np.round(values - np.array([low for low, _ in bounds]), 4).tolist(),
            "color": color,
            "thickness": 1,
        }
    return trace


def _svg(
    title: str,
    names: Sequence[str],
    columns: dict[str, np.ndarray],
    bounds: list[tuple[float, float]],
) -> str:
    canvas = Canvas(_LEFT + _SIDE + 20, _TOP + _ROW * len(names) + 12, title)
    canvas.text(6, 15, title, size=12)
    for i, name in enumerate(columns):
        _mark(canvas, name, _LEFT + 80 * i, 30)
        canvas.text(_LEFT + 80 * i + 8, 34, name, size=10)
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x = _LEFT + tick * _SIDE
        canvas.text(x, 50, f"{tick:g}", "middle", size=9)
        canvas.line([(x, _TOP - 4), (x, _TOP + _ROW * len(names))], dash="1 3", width=0.5)
    for i, name in enumerate(names):
        y = _TOP + _ROW * (i + 0.5)
        canvas.text(_LEFT - 8, y + 4, label(name, 22), "end")
        low, high = bounds[i]
        canvas.line([(_LEFT + low * _SIDE, y), (_LEFT + high * _SIDE, y)], BLUE)
        for metric, values in columns.items():
            _mark(canvas, metric, _LEFT + values[i] * _SIDE, y)
    return canvas.render()


def _mark(canvas: Canvas, metric: str, x: float, y: float) -> None:
    color, symbol = _STYLE[metric]
    if symbol == "circle":
        canvas.circle(x, y, 4, color)
    elif symbol == "square":
        canvas.rectangle(x - 3, y - 3, 6, 6, color)
    else:
        canvas.path(f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z", color)


plots.register(Plot("per_class", "precision, recall and F1 of every class", draw))
