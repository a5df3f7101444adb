# SPDX-License-Identifier: BSD-3-Clause
"""A number as output, in the unit of what was learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .inputs import Row
from .outputs import Outputs, sliced


@dataclass(frozen=True)
class Number:
    """The answer for one input.

    Attributes:
        name: Name of the input, empty for texts and bytes.
        value: The number.
    """

    name: str
    value: float

    def __float__(self) -> float:
        return self.value

    def to_json(self) -> dict[str, Any]:
        """Name and value."""
        return {"name": self.name, "value": self.value}

    def __str__(self) -> str:
        return f"{self.name}: {self.value:.6g}" if self.name else f"{self.value:.6g}"

    def __repr__(self) -> str:
        return str(self)


class NumberOutput:
    """Numbers, float32 (N,), called "value".

    Args:
        scale: The spread of what was learned: golden answers are compared on it.
    """

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def cut(self, outputs: Outputs, rows: Sequence[Row]) -> list[dict[str, np.ndarray]]:
        """See `outputs.Output`."""
        return sliced(outputs, len(rows))

    def answer(self, outputs: Outputs, row: Row, name: str = "") -> Number:
        """The number."""
        return Number(name, float(outputs["value"]))

    def kept(self, outputs: Outputs) -> dict[str, Any]:
        """The number."""
        return {"value": float(outputs["value"])}

    def gap(self, kept: Mapping[str, Any], outputs: Outputs) -> float:
        """The difference in units of the spread."""
        return abs(float(outputs["value"]) - float(kept["value"])) / self.scale


def make(about: Mapping[str, Any], labels: Sequence[str]) -> NumberOutput:
    """See `outputs.output`."""
    scale = float(about.get("scale", 1.0))
    return NumberOutput(scale if scale > 0 else 1.0)
