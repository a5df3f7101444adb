# SPDX-License-Identifier: BSD-3-Clause
"""The report on a trained model: numbers with their intervals, and where it goes wrong.

An `Evaluation` is a mapping from metric name to number, the same in a notebook and in a script:

    >>> import numpy as np
    >>> ev = Evaluation.from_predictions(
    ...     np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), [0, 1, 1], ["cat", "dog"], split="test")
    >>> round(ev["accuracy"], 3), ev["n"]
    (0.667, 3)
    >>> [round(bound, 2) for bound in ev.intervals["accuracy"]]
    [0.21, 0.94]
    >>> ev.confused()
    [ConfusedPair(true='dog', predicted='cat', errors=1, of=2, examples=('2',))]

Metrics are computed when they are first asked for, intervals and pictures too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lepton_lab.errors import DataError
from lepton_lab.evaluation import card, findings
from lepton_lab.evaluation.figures import Figure, plots
from lepton_lab.evaluation.findings import ConfusedPair, WorstSample
from lepton_lab.evaluation.pictures import Reader
from lepton_lab.metrics import (
    Measurement,
    PairedDifference,
    check_predictions,
    f1_per_class,
    paired_difference,
    precision_per_class,
    recall_per_class,
    wilson,
)
from lepton_lab.rendering import Table

FEW = 5


class Evaluation(Mapping[str, float]):
    """Metrics of a classifier on one split; make it with `from_predictions`.

    Attributes:
        measured: The arrays and every metric on them.
        classes: Class names, in the order of the model's outputs.
        ids: Names of the samples.
        split: Which part of the data ("test").
        notes: What a reader has to know to judge the numbers.
        picture: Reads a sample as uint8 (H, W, 3), or None.
        beside: Name of another model -> what it reaches on the same samples.
    """

    def __init__(
        self,
        measured: Measurement,
        classes: Sequence[str],
        ids: Sequence[str],
        split: str,
        picture: Reader | None = None,
        notes: Sequence[str] = (),
        beside: Mapping[str, Measurement] | None = None,
    ) -> None:
        self.measured, self.split, self.picture = measured, split, picture
        self.beside = dict(beside or {})
        self.classes, self.ids = tuple(map(str, classes)), tuple(map(str, ids))
        self.notes = [*notes, *_cautions(measured, self.classes)]

    @classmethod
    def from_predictions(
        cls,
        probabilities: ArrayLike,
        targets: ArrayLike,
        classes: Sequence[str],
        *,
        ids: Sequence[str] | None = None,
        split: str = "test",
        picture: Reader | None = None,
        notes: Sequence[str] = (),
        beside: Mapping[str, ArrayLike] | None = None,
    ) -> Evaluation:
        """The report on predictions.

        Args:
            probabilities: Float (N, C), each row sums to one.
            targets: Integer (N,), the index of the true class.
            classes: C names.
            ids: N names of the samples; their numbers when left out.
            split: The part of the data they come from.
            picture: Reads sample i as uint8 (H, W, 3), for thumbnails in a notebook.
            notes: Sentences to show with the numbers.
            beside: Name of another model -> its probabilities for the same samples, shown in the same table.

        Raises:
            DataError: Nothing to evaluate, or arrays and names that do not belong together.
        """
        if ids is not None and len(ids) != len(np.asarray(targets)):
            raise DataError(f"There are {len(ids)} ids for {len(np.asarray(targets))} samples.")
        p, t = check_predictions(probabilities, targets, ids)
        if len(classes) != p.shape[1]:
            raise DataError(f"There are {len(classes)} class names for {p.shape[1]} outputs.")
        names = [str(i) for i in range(len(t))] if ids is None else ids
        others = {name: Measurement(*check_predictions(q, targets, ids)) for name, q in (beside or {}).items()}
        return cls(Measurement(p, t), classes, names, split, picture, notes, others)

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @cached_property
    def _values(self) -> dict[str, float]:
        return {**self.measured.values, "n": self.measured.n}

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """The 95 % interval of every metric (all keys but n); NaN where there is none."""
        return self.measured.intervals

    @property
    def confusion(self) -> NDArray[np.int64]:
        """How often the class of a row was taken for that of a column, (C, C)."""
        return self.measured.confusion

    @property
    def probabilities(self) -> NDArray[np.floating]:
        """Float (N, C)."""
        return self.measured.probabilities

    @property
    def targets(self) -> NDArray[np.int64]:
        """Int64 (N,)."""
        return self.measured.targets

    @property
    def predictions(self) -> NDArray[np.int64]:
        """The most probable class of each sample, int64 (N,)."""
        return self.measured.predictions

    @cached_property
    def per_class(self) -> Table:
        """Every class: samples, precision, recall with its 95 % interval, F1, areas."""
        return card.class_table(self.class_columns())

    def class_columns(self) -> dict[str, list[Any]]:
        """The columns of `per_class` as plain values, NaN for a class with no sample."""
        counts, (area, precision) = self.measured.counts, self.measured.ranked
        nowhere = (math.nan, math.nan)
        bounds = [
            wilson(h, s) if s else nowhere
            for h, s in zip(counts.hits.tolist(), counts.support.tolist(), strict=True)
        ]
        return {
            "class": list(self.classes),
            "n": counts.support.tolist(),
            "precision": precision_per_class(counts).tolist(),
            "recall": recall_per_class(counts).tolist(),
            "recall_low": [low for low, _ in bounds],
            "recall_high": [high for _, high in bounds],
            "f1": f1_per_class(counts).tolist(),
            "roc_auc": area.per_class.tolist(),
            "average_precision": precision.per_class.tolist(),
        }

    def worst(self, n: int = 9) -> list[WorstSample]:
        """The n samples with the highest loss, highest first."""
        return [self.sample(i) for i in findings.worst_indexes(self.measured, n)]

    def confused(self, n: int = 5, examples: int = 3) -> list[ConfusedPair]:
        """The n pairs of classes confused most often, each with the surest mistakes as examples."""
        pairs = []
        for true, predicted in findings.confused_cells(self.confusion, n):
            found = findings.cell_indexes(self.measured, true, predicted, examples)
            pairs.append(
                ConfusedPair(
                    self.classes[true],
                    self.classes[predicted],
                    int(self.confusion[true, predicted]),
                    int(self.confusion[true].sum()),
                    tuple(self.ids[i] for i in found),
                )
            )
        return pairs

    def compare(self, other: Evaluation, metric: str = "accuracy") -> PairedDifference:
        """How much better `other` (b) is than this one (a) on the same samples.

        Raises:
            DataError: The two evaluations are not of the same samples.
        """
        if (self.ids, self.targets.tolist()) != (other.ids, other.targets.tolist()):
            raise DataError(
                "The two evaluations are not of the same samples.",
                f"This one is of {self['n']} samples of {self.split}, "
                f"the other of {other['n']} of {other.split}.",
                "Evaluate both models on the same data and split.",
            )
        return paired_difference(self.targets, self.probabilities, other.probabilities, metric)

    def plot(self, kind: str = "confusion") -> Figure:
        """A chart: confusion, roc, pr, calibration or per_class; else NotFoundError."""
        from lepton_lab.evaluation import drawings  # noqa: F401  (registers the plots)

        return plots.get(kind).draw(self.measured, self.classes)

    def to_pandas(self, what: str = "samples") -> Any:
        """A pandas DataFrame, one row per sample (`"samples"`) or per class (`"classes"`).

        Raises:
            ValueError: For anything else.
        """
        import pandas as pd

        if what == "classes":
            return pd.DataFrame(_columns(self.class_columns()))
        if what != "samples":
            raise ValueError(f"to_pandas takes 'samples' or 'classes', not {what!r}")
        rows = [self.sample(i) for i in range(self.measured.n)]
        columns = dict(zip(WorstSample._fields, map(list, zip(*rows, strict=True)), strict=True))
        frame = pd.DataFrame(_columns(columns))
        frame.insert(3, "correct", self.predictions == self.targets)
        return frame

    def to_dict(self) -> dict[str, Any]:
        """Everything but the raw predictions as JSON values; what does not exist is None.

        `confusion` lists the cells that are not empty as [true, predicted, count].
        """
        cells = np.argwhere(self.confusion)
        columns = {k: [_json(v) for v in values] for k, values in self.class_columns().items()}
        return {
            "split": self.split,
            "metrics": {name: _json(value) for name, value in self.items()},
            "intervals": {
                name: [_json(low), _json(high)] for name, (low, high) in self.intervals.items()
            },
            "classes": list(self.classes),
            "per_class": columns,
            "confusion": [[int(i), int(j), int(self.confusion[i, j])] for i, j in cells],
            "worst": [sample._asdict() for sample in self.worst()],
            "confused": [{**p._asdict(), "examples": list(p.examples)} for p in self.confused()],
            "notes": list(self.notes),
        }

    def sample(self, index: int) -> WorstSample:
        """Sample `index` with its true and predicted class, as `worst` lists it."""
        true, predicted = int(self.targets[index]), int(self.predictions[index])
        return WorstSample(
            self.ids[index],
            self.classes[true],
            self.classes[predicted],
            float(self.probabilities[index, predicted]),
            float(self.measured.losses[index]),
        )

    def __str__(self) -> str:
        return card.text(self)

    def __repr__(self) -> str:
        return (
            f"Evaluation(split={self.split!r}, n={self.measured.n}, "
            f"accuracy={self['accuracy']:.3f}, classes={len(self.classes)})"
        )

    @cached_property
    def _html(self) -> str:
        return card.html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        shown = {"text/plain": card.text(self)}
        wanted = (include is None or "text/html" in include) and "text/html" not in (exclude or ())
        return {**shown, "text/html": self._html} if wanted else shown


def _cautions(measured: Measurement, classes: Sequence[str]) -> list[str]:
    """What the counts themselves say against trusting the numbers too far."""
    support = measured.counts.support
    notes = []
    absent = [classes[c] for c in np.flatnonzero(support == 0).tolist()]
    if absent:
        notes.append(
            f"Macro averages are over the {len(classes) - len(absent)} of {len(classes)} classes "
            f"that have samples; none of: {card.names(absent)}."
        )
    few = [classes[c] for c in np.flatnonzero((support > 0) & (support < FEW)).tolist()]
    if few:
        notes.append(f"Fewer than {FEW} samples, so rough numbers: {card.names(few)}.")
    return notes


def _columns(columns: dict[str, list[Any]]) -> dict[str, Any]:
    """Texts as plain objects: pandas' own string type refuses names that are no valid Unicode."""
    import pandas as pd

    return {
        name: pd.Series(values, dtype=object) if isinstance(values[0], str) else values
        for name, values in columns.items()
    }


def _json(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
