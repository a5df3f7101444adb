# SPDX-License-Identifier: BSD-3-Clause
"""ROC curves, each class against the rest: what finding more of a class costs in false alarms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lepton_lab.evaluation.figures import Figure, Plot, layout, plotly_line, plots
from lepton_lab.evaluation.svg import Series, UnitChart
from lepton_lab.metrics import Measurement, reduce_curve, roc_curve

MOST_CURVES = 8


def draw(measured: Measurement, classes: Sequence[str]) -> Figure:
    """The ROC curves of the classes that rank worst, at most eight."""
    area = measured.ranked[0]
    shown = worst_ranked(area.per_class)
    lines = []
    for order, c in enumerate(shown):
        false, true, _ = roc_curve(measured.probabilities[:, c], measured.targets == c)
        name = f"{area.per_class[c]:.3f} {classes[c]}"
        lines.append(Series.styled(order, name, *reduce_curve(false, true)))
    title = ranking_title("ROC", "AUC", area.value, len(shown), len(classes))
    chart = UnitChart(title, "false positive rate", "true positive rate")
    chart.diagonal()
    for line in lines:
        chart.add(line)
    hover = "false positive rate %{x:.3f}<br>true positive rate %{y:.3f}"
    return Figure(
        data=[plotly_line(line, hover) for line in lines],
        layout=layout(title, "false positive rate", "true positive rate"),
        svg=chart.canvas.render(),
        text=title,
    )


def worst_ranked(per_class: np.ndarray) -> list[int]:
    """The classes that have an area, lowest first, at most eight; of two, the second one.

    With two classes the second one's curve says everything: the other is its mirror image.
    """
    if len(per_class) == 2 and not np.isnan(per_class).any():
        return [1]
    order = np.argsort(per_class, kind="stable")  # NaN sorts last
    return [int(c) for c in order if not np.isnan(per_class[c])][:MOST_CURVES]


def ranking_title(kind: str, area: str, value: float, shown: int, classes: int) -> str:
    """The title of a chart of curves, with the macro average and how many are drawn."""
    if not shown:
        return f"{kind}: no curve, since all samples are of one class"
    rest = f"; the {shown} lowest of {classes} classes" if classes > max(shown, 2) else ""
    return f"{kind}: {area} {value:.3f}{rest}"


plots.register(Plot("roc", "found samples against false alarms, per class", draw))
