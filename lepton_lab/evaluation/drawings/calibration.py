# SPDX-License-Identifier: BSD-3-Clause
"""The reliability diagram: is the model right as often as it says?

A bar per bin of confidence shows the share that is right; a dot marks the mean confidence in that
bin. Bars below the diagonal are overconfidence. The strip underneath shows where the samples are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lepton_lab.evaluation.figures import Figure, Plot, layout, plots
from lepton_lab.evaluation.svg import BLUE, INK, VERMILLION, UnitChart
from lepton_lab.metrics import Measurement, Reliability, reliability


def draw(measured: Measurement, classes: Sequence[str]) -> Figure:
    """The reliability diagram of a measurement."""
    bins = reliability(measured.probabilities, measured.targets)
    title = f"Calibration: expected error {measured.values['ece']:.3f}"
    kept = np.flatnonzero(bins.count)
    middle = (bins.edges[:-1] + bins.edges[1:]) / 2
    bars = {
        "type": "bar",
        "name": "right",
        "x": np.round(middle[kept], 4).tolist(),
        "y": np.round(bins.accuracy[kept], 4).tolist(),
        "width": [round(1 / len(bins.count), 4)] * len(kept),
        "customdata": [[int(bins.count[i]), round(float(bins.confidence[i]), 4)] for i in kept],
        "marker": {"color": BLUE, "opacity": 0.6},
        "hovertemplate": "%{customdata[0]} samples<br>confidence %{customdata[1]:.3f}<br>"
        "right %{y:.3f}<extra></extra>",
    }
    ideal = {
        "type": "scatter",
        "mode": "lines",
        "name": "perfect",
        "x": [0, 1],
        "y": [0, 1],
        "line": {"color": INK, "dash": "dot", "width": 1},
        "hoverinfo": "skip",
    }
    unit = {"range": [0, 1.02]}
    return Figure(
        data=[bars, ideal],
        layout=layout(title, "confidence", "share that is right", xaxis=unit, yaxis=unit),
        svg=_svg(bins, title),
        text=title,
    )


def _svg(bins: Reliability, title: str) -> str:
    chart = UnitChart(title, "confidence (strip: number of samples)", "share right", key=False)
    width = chart.side / len(bins.count)
    most = bins.count.max()
    for i in np.flatnonzero(bins.count):
        x, y = chart.place(bins.edges[i], bins.accuracy[i])
        bottom = chart.top + chart.side
        chart.canvas.rectangle(x + 0.5, y, width - 1, bottom - y, BLUE, 0.45)
        chart.canvas.rectangle(x + 0.5, bottom - 3, width - 1, 3, INK, bins.count[i] / most)
        chart.canvas.circle(*chart.place(bins.confidence[i], bins.accuracy[i]), 2.5, VERMILLION)
    chart.diagonal()
    return chart.canvas.render()


plots.register(Plot("calibration", "confidence against the share that is right", draw))
