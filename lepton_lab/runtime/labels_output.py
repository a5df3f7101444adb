# SPDX-License-Identifier: BSD-3-Clause
"""Any number of classes as output: a probability for each, on its own; those that reach a threshold are the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .inputs import Row
from .outputs import Outputs, sliced

# Another name than that of classes that exclude one another: these do not sum to one.
PROBABILITIES = "label_probabilities"
THRESHOLD = 0.5


@dataclass(frozen=True, eq=False)
class Labels:
    """The answer for one input.

    Attributes:
        name: Name of the input, empty for texts and bytes.
        probabilities: float32 (classes,), each on its own.
        classes: Class names in the order of the probabilities.
        threshold: From which probability on a class belongs to the answer.
        shown: How many classes are listed when none belongs to it.
    """

    name: str
    probabilities: np.ndarray
    classes: Sequence[str] = field(repr=False)
    threshold: float = THRESHOLD
    shown: int = 5

    @property
    def labels(self) -> list[str]:
        """The classes of the answer, the most probable first."""
        return [name for name, p in self.top(len(self.classes)) if p >= self.threshold]

    def top(self, n: int = 5) -> list[tuple[str, float]]:
        """The `n` most probable classes, best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:n]
        return [(self.classes[int(i)], float(self.probabilities[i])) for i in order]

    def to_json(self) -> dict[str, Any]:
        """Name, the classes of the answer, and the most probable ones."""
        return {"name": self.name, "labels": self.labels, "top": self.top(self.shown)}

    def __str__(self) -> str:
        chosen = self.labels
        parts = [f"{name} {p:.3f}" for name, p in self.top(len(chosen))]
        near = self.top(1)[0] if len(self.classes) else ("", 0.0)
        said = ", ".join(parts) or f"none (nearest: {near[0]} {near[1]:.3f})"
        return f"{self.name}: {said}" if self.name else said

    def __repr__(self) -> str:
        return str(self)


class LabelsOutput:
    """Probabilities of classes that do not exclude one another.

    Args:
        labels: Class names.
        threshold: From which probability on a class belongs to the answer.
    """

    def __init__(self, labels: Sequence[str], threshold: float = THRESHOLD) -> None:
        self.labels, self.threshold = tuple(labels), threshold

    def cut(self, outputs: Outputs, rows: Sequence[Row]) -> list[dict[str, np.ndarray]]:
        """See `outputs.Output`."""
        return sliced(outputs, len(rows))

    def answer(self, outputs: Outputs, row: Row, name: str = "") -> Labels:
        """The probabilities with their names."""
        return Labels(name, outputs[PROBABILITIES], self.labels, self.threshold)

    def kept(self, outputs: Outputs) -> dict[str, Any]:
        """All probabilities and logits."""
        return {name: values.tolist() for name, values in outputs.items()}

    def gap(self, kept: Mapping[str, Any], outputs: Outputs) -> float:
        """The largest difference of a probability."""
        wanted = np.asarray(kept[PROBABILITIES], np.float32)
        if wanted.shape != outputs[PROBABILITIES].shape:
            return float("inf")
        return float(np.abs(outputs[PROBABILITIES] - wanted).max(initial=0.0))


def make(about: Mapping[str, Any], labels: Sequence[str]) -> LabelsOutput:
    """See `outputs.output`."""
    return LabelsOutput(labels, float(about.get("threshold", THRESHOLD)))
