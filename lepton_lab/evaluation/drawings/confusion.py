# SPDX-License-Identifier: BSD-3-Clause
"""The confusion matrix: which class is taken for which.

Each cell holds its count and is tinted by its share of the true class; right answers (the
diagonal) are blue, errors vermillion. With more than thirty classes the block of those with the
most errors is shown, and the chart says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lepton_lab.evaluation.figures import Figure, Plot, layout, plotly_text, plots
from lepton_lab.evaluation.svg import BLUE, VERMILLION, Canvas, label
from lepton_lab.metrics import Measurement

MOST_CLASSES = 30
_LEVELS = 8  # tints: enough to see, few enough to draw each in one path


def draw(measured: Measurement, classes: Sequence[str]) -> Figure:
    """The figure of a measurement's confusion matrix."""
    full = measured.confusion
    shown = most_confused_classes(full)
    block = full[np.ix_(shown, shown)]
    share = block / np.maximum(full.sum(axis=1)[shown], 1)[:, None]
    names = [classes[i] for i in shown]
    title = _title(full, block)
    return Figure(
        data=[_heatmap(block, share, names)],
        layout=_layout(title, names),
        svg=_svg(block, share, names, title),
        text=title,
    )


def most_confused_classes(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """All classes, or of more than thirty the thirty with the most errors, in their order."""
    classes = len(confusion)
    if classes <= MOST_CLASSES:
        return np.arange(classes)
    errors = confusion.sum(axis=0) + confusion.sum(axis=1) - 2 * np.diag(confusion)
    return np.sort(np.argsort(-errors, kind="stable")[:MOST_CLASSES])


def _title(full: NDArray[np.int64], block: NDArray[np.int64]) -> str:
    def errors(matrix: NDArray[np.int64]) -> int:
        return int(matrix.sum() - np.trace(matrix))

    if len(block) == len(full):
        return f"Confusion matrix: {errors(full)} of {full.sum()} wrong"
    return (
        f"Confusion matrix: the {len(block)} of {len(full)} classes with the most errors "
        f"({errors(block)} of {errors(full)} errors)"
    )


def _heatmap(
    block: NDArray[np.int64], share: NDArray[np.float64], names: Sequence[str]
) -> dict[str, Any]:
    safe = [plotly_text(name) for name in names]
    return {
        "type": "heatmap",
        "z": np.round(share, 4).tolist(),
        "text": [[str(count) if count else "" for count in row] for row in block.tolist()],
        "customdata": [[[true, predicted] for predicted in safe] for true in safe],
        "texttemplate": "%{text}",
        "hovertemplate": "true %{customdata[0]}<br>predicted %{customdata[1]}<br>"
        "%{text} samples, %{z:.1%} of the class<extra></extra>",
        "colorscale": [[0, "#ffffff"], [1, "#6fb1d8"]],
        "zmin": 0,
        "zmax": 1,
        "colorbar": {"title": {"text": "share of<br>true class"}},
    }


def _layout(title: str, names: Sequence[str]) -> dict[str, Any]:
    ticks = {
        "tickvals": list(range(len(names))),
        "ticktext": [plotly_text(name, 24) for name in names],
        "showgrid": False,
    }
    side = 220 + 22 * len(names)
    return layout(
        title,
        "predicted",
        "true",
        xaxis={**ticks, "automargin": True},
        yaxis={**ticks, "autorange": "reversed", "automargin": True},
        width=side + 80,
        height=side,
    )


def _svg(
    block: NDArray[np.int64], share: NDArray[np.float64], names: Sequence[str], title: str
) -> str:
    count = len(names)
    cell = 30 if count <= 12 else 18
    width = 18 if count <= 12 else 12
    room = 24 + 6.2 * max(len(label(name, width)) for name in names)
    left, top = round(room) + 14, round(room) + 34
    canvas = Canvas(max(left + cell * count + 10, 6.6 * len(title)), top + cell * count + 10, title)
    canvas.text(6, 15, title, size=12)
    canvas.text(left, 31, "predicted →", size=10)
    canvas.text(12, top + cell * count / 2, "← true", "middle", turn=-90, size=10)
    _tint(canvas, share, left, top, cell)
    for i, name in enumerate(names):
        middle = cell * (i + 0.5)
        canvas.text(left - 5, top + middle + 4, label(name, width), "end", size=10)
        canvas.text(left + middle + 3, top - 5, label(name, width), turn=-90, size=10)
        numbers = [(left + cell * (j + 0.5), _count(c)) for j, c in enumerate(block[i]) if c]
        canvas.texts(top + middle + 3, numbers, 11 if cell == 30 else 8)
    side = cell * count
    corners = [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
    canvas.line([*corners, corners[0]], width=0.6)
    return canvas.render()


def _tint(canvas: Canvas, share: NDArray[np.float64], left: float, top: float, cell: int) -> None:
    """All cells of one tint in one path: a full matrix stays small."""
    level = np.ceil(share * _LEVELS).astype(int)
    right = np.eye(len(share), dtype=bool)
    for color, mask in ((BLUE, right), (VERMILLION, ~right)):
        for tint in range(1, _LEVELS + 1):
            outline = "".join(
                f"M{left + cell * j:.0f} {top + cell * (i + 0.5):.0f}h{cell}"
                for i, j in np.argwhere(mask & (level == tint))
            )
            if outline:
                canvas.bars(outline, color, cell, round(0.08 + 0.42 * tint / _LEVELS, 2))


def _count(value: int) -> str:
    return str(value) if value < 1000 else f"{value / 1000:.0f}k"


plots.register(Plot("confusion", "which class is taken for which", draw))
