# SPDX-License-Identifier: BSD-3-Clause
"""One of several classes as output: probabilities that sum to one, and the logits behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .inputs import Row
from .outputs import Outputs, sliced


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer for one input.

    Attributes:
        name: Name of the input, empty for bytes and pixels.
        probabilities: float32 (classes,), summing to 1.
        classes: Class names in the order of the probabilities.
        shown: How many classes `str` lists.
        threshold: The least probability of the class `yes` that makes it the answer; None takes the most
            probable class.
        yes: Index of that class.
    """

    name: str
    probabilities: np.ndarray
    classes: Sequence[str] = field(repr=False)
    shown: int = 5
    threshold: float | None = None
    yes: int = 1

    @property
    def label(self) -> str:
        """The most probable class, or what the threshold says."""
        return self.classes[self._chosen()]

    @property
    def probability(self) -> float:
        """The probability of `label`."""
        return float(self.probabilities[self._chosen()])

    def top(self, n: int = 5) -> list[tuple[str, float]]:
        """The `n` most probable classes, best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:n]
        return [(self.classes[int(i)], float(self.probabilities[i])) for i in order]

    def to_json(self) -> dict[str, Any]:
        """Name and the most probable classes; the label too where a threshold decides it."""
        found: dict[str, Any] = {"name": self.name, "top": self.top(self.shown)}
        return found if self.threshold is None else {**found, "label": self.label}

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        best = ", ".join(f"{label} {share:.3f}" for label, share in self.top(self.shown))
        if self.threshold is not None:
            best = f"{self.label} ({self.classes[self.yes]} from {self.threshold:.3f} on: {best})"
        return f"{self.name}: {best}" if self.name else best

    def _chosen(self) -> int:
        if self.threshold is None or len(self.classes) != 2:
            return int(self.probabilities.argmax())
        said = float(self.probabilities[self.yes]) >= self.threshold
        return self.yes if said else 1 - self.yes


class ClassesOutput:
    """Class probabilities.

    Args:
        labels: Class names.
        threshold: See `Prediction`.
        yes: See `Prediction`.
    """

    def __init__(
        self, labels: Sequence[str], threshold: float | None = None, yes: int = 1
    ) -> None:
        self.labels, self.threshold, self.yes = tuple(labels), threshold, yes

    def cut(self, outputs: Outputs, rows: Sequence[Row]) -> list[dict[str, np.ndarray]]:
        """See `outputs.Output`."""
        return sliced(outputs, len(rows))

    def answer(self, outputs: Outputs, row: Row, name: str = "") -> Prediction:
        """The probabilities with their names."""
        return Prediction(
            name, outputs["probabilities"], self.labels, threshold=self.threshold, yes=self.yes
        )

    def kept(self, outputs: Outputs) -> dict[str, Any]:
        """All probabilities and logits."""
        return {name: values.tolist() for name, values in outputs.items()}

    def gap(self, kept: Mapping[str, Any], outputs: Outputs) -> float:
        """The largest difference of a probability."""
        wanted = np.asarray(kept["probabilities"], np.float32)
        if wanted.shape != outputs["probabilities"].shape:
            return float("inf")
        return float(np.abs(outputs["probabilities"] - wanted).max())


def make(about: Mapping[str, Any], labels: Sequence[str]) -> ClassesOutput:
    """See `outputs.output`."""
    if about.get("threshold") is None:
        return ClassesOutput(labels)
    return ClassesOutput(labels, float(about["threshold"]), int(about["yes"]))
