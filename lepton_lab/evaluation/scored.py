# SPDX-License-Identifier: BSD-3-Clause
"""The report on a model whose answers are not one class per sample: spans, boxes, masks, numbers.

Like `Evaluation` it is a mapping from metric to number, with a 95 % interval beside each:

    >>> report = Report("test", 20, {"mean_iou": 0.71}, {"mean_iou": (0.65, 0.77)})
    >>> report["mean_iou"], report["n"], report.intervals["mean_iou"]
    (0.71, 20, (0.65, 0.77))
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lepton_lab.errors import DataError
from lepton_lab.evaluation.svg import label
from lepton_lab.metrics import PairedDifference, paired_scores
from lepton_lab.rendering import TEXT_LINES, Table, bundle, escape

WORST = 9


@dataclass(frozen=True, eq=False, repr=False)
class Report(Mapping[str, Any]):
    """Metrics on one split.

    Attributes:
        split: Which part of the data ("test").
        n: Samples.
        figures: Metric -> number, the headline metric first.
        intervals: Metric -> its 95 % interval, where there is one.
        class_columns: Column -> one value per class, "class" first.
        worst_samples: The samples that went worst, worst first.
        notes: What a reader has to know to judge the numbers.
        ids: Names of the samples.
        scores: One number per sample, higher is better, for the paired test; None where there is none.
        score_name: What that number is.
    """

    split: str
    n: int
    figures: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    class_columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    worst_samples: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    ids: Sequence[str] = ()
    scores: np.ndarray | None = None
    score_name: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.n if name == "n" else self.figures[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self.figures, "n"))

    def __len__(self) -> int:
        return len(self.figures) + 1

    @property
    def per_class(self) -> Table:
        """Every class with its figures."""
        rows = list(zip(*(map(_cell, c) for c in self.class_columns.values()), strict=True))
        return Table(tuple(self.class_columns), rows, title=f"{len(rows)} classes")

    def worst(self, n: int = WORST) -> list[dict[str, Any]]:
        """The n samples that went worst, worst first."""
        return [dict(sample) for sample in self.worst_samples[:n]]

    def metrics(self) -> Table:
        """Every metric with its interval."""
        rows = [
            (name, _cell(value), _span(self.intervals.get(name)))
            for name, value in self.figures.items()
        ]
        return Table(("metric", "value", "95 % interval"), rows)

    def compare(self, other: Report, metric: str = "") -> PairedDifference:
        """How much better `other` (b) is than this one (a), sample by sample.

        Raises:
            DataError: The two are not of the same samples, or have no figure for a single sample.
        """
        if tuple(self.ids) != tuple(other.ids):
            raise DataError(
                "The two reports are not of the same samples.",
                f"This one is of {self.n} samples of {self.split}, the other of {other.n} of {other.split}.",
                "Evaluate both models on the same data and split.",
            )
        if self.scores is None or other.scores is None or self.score_name != other.score_name:
            raise DataError("This task has no figure for a single sample to compare by.")
        return paired_scores(self.scores, other.scores, self.score_name)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values; what does not exist is None."""
        return {
            "split": self.split,
            "metrics": {name: _json(self[name]) for name in self},
            "intervals": {name: [_json(v) for v in span] for name, span in self.intervals.items()},
            "per_class": {k: [_json(v) for v in column] for k, column in self.class_columns.items()},
            "worst": [{k: _json(v) for k, v in sample.items()} for sample in self.worst()],
            "notes": list(self.notes),
        }

    def to_pandas(self) -> Any:
        """One row per class."""
        import pandas as pd

        return pd.DataFrame({k: list(v) for k, v in self.class_columns.items()})

    def text(self) -> str:
        """At most twelve lines: metrics with intervals, then the notes."""
        rows = [
            f"{name:<22}{_cell(value)}{' [' + _span(span, ', ') + ']' if span else ''}"
            for name, value in self.figures.items()
            for span in (self.intervals.get(name),)
        ]
        notes = [label(f"note: {note}", 110) for note in self.notes]
        return "\n".join([self._title(), *rows, *notes][:TEXT_LINES])

    def html(self) -> str:
        """Metrics, notes, classes, worst samples; everything escaped."""
        notes = "".join(f"<div>Note: {escape(label(note, 400))}</div>" for note in self.notes)
        classes, worst = "", ""
        if self.class_columns:
            classes = f"<details open><summary>Per class</summary>{self.per_class.html()}</details>"
        if self.worst_samples:
            columns = tuple(self.worst_samples[0])
            rows = [tuple(_cell(s.get(c)) for c in columns) for s in self.worst()]
            table = Table(columns, rows).html()
            worst = f"<details><summary>Worst samples</summary>{table}</details>"
        return (
            f'<div class="lepton-evaluation"><div><b>{escape(self._title())}</b></div>{notes}'
            f"{self.metrics().html()}{classes}{worst}</div>"
        )

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        name, value = next(iter(self.figures.items()), ("n", self.n))
        return f"Report(split={self.split!r}, n={self.n}, {name}={_cell(value)})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.text(), self.html())

    def _title(self) -> str:
        samples = f"{self.n} sample{'s' if self.n != 1 else ''}"
        return f"Evaluation on {label(self.split, 40)}: {samples}; 95 % intervals"


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.4g}" if abs(value) >= 10 else f"{value:.3f}"
    return label(value, 120) if isinstance(value, str) else value


def _span(span: tuple[float, float] | None, between: str = " to ") -> str:
    return "–" if span is None or math.isnan(span[0]) else between.join(map(_cell, span))


def _json(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
