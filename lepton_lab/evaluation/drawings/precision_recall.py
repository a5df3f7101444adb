# SPDX-License-Identifier: BSD-3-Clause
"""Precision-recall curves, each class against the rest: how clean the finds stay."""

from __future__ import annotations

from collections.abc import Sequence

from lepton_lab.evaluation.drawings.roc import ranking_title, worst_ranked
from lepton_lab.evaluation.figures import Figure, Plot, layout, plotly_line, plots
from lepton_lab.evaluation.svg import Series, UnitChart
from lepton_lab.metrics import Measurement, precision_recall_curve, reduce_curve


def draw(measured: Measurement, classes: Sequence[str]) -> Figure:
    """The precision-recall curves of the classes with the lowest average precision."""
    area = measured.ranked[1]
    shown = worst_ranked(area.per_class)
    lines = []
    for order, c in enumerate(shown):
        precision, recall, _ = precision_recall_curve(
            measured.probabilities[:, c], measured.targets == c
        )
        name = f"{area.per_class[c]:.3f} {classes[c]}"
        lines.append(Series.styled(order, name, *reduce_curve(recall, precision)))
    title = ranking_title(
        "Precision-recall", "average precision", area.value, len(shown), len(classes)
    )
    chart = UnitChart(title, "recall", "precision")
    for line in lines:
        chart.add(line)
    unit = {"range": [0, 1.02]}
    return Figure(
        data=[plotly_line(line, "recall %{x:.3f}<br>precision %{y:.3f}") for line in lines],
        layout=layout(title, "recall", "precision", xaxis=unit, yaxis=unit),
        svg=chart.canvas.render(),
        text=title,
    )


plots.register(Plot("pr", "precision against recall, per class", draw))
