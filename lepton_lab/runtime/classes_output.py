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
    """

    name: str
    probabilities: np.ndarray
    classes: Sequence[str] = field(repr=False)
    shown: int = 5

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.classes[int(self.probabilities.argmax())]

    @property
    def probability(self) -> float:
        """The probability of `label`."""
        return float(self.probabilities.max())

    def top(self, n: int = 5) -> list[tuple[str, float]]:
        """The `n` most probable classes, best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:n]
        return [(self.classes[int(i)], float(self.probabilities[i])) for i in order]

    def to_json(self) -> dict[str, Any]:
        """Name and the most probable classes."""
        return {"name": self.name, "top": self.top(self.shown)}

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        best = ", ".join(f"{label} {share:.3f}" for label, share in self.top(self.shown))
        return f"{self.name}: {best}" if self.name else best


class ClassesOutput:
    """Class probabilities.

    Args:
        labels: Class names.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)

    def cut(self, outputs: Outputs, rows: Sequence[Row]) -> list[dict[str, np.ndarray]]:
        """See `outputs.Output`."""
        return sliced(outputs, len(rows))

    def answer(self, outputs: Outputs, row: Row, name: str = "") -> Prediction:
        """The probabilities with their names."""
        return Prediction(name, outputs["probabilities"], self.labels)

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
    return ClassesOutput(labels)
