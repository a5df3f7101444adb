# SPDX-License-Identifier: BSD-3-Clause
"""What the gate compares where each sample has one class: "probabilities" and "logits", whatever the input is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lepton_lab.exporting.signature import Score
from lepton_lab.metrics import wilson

if TYPE_CHECKING:
    from lepton_lab.exporting.signature import Outputs

# Rounding in fp32 is 6e-8 of a number; over some thirty architectures of pictures ONNX Runtime
# differs from PyTorch by at most 3e-6 in a logit. A ten-thousandth of the largest logit leaves room for deeper
# models, and is far below what a mistake does: another interpolation moves logits by a hundredth.
PROBABILITY = 1e-4
_RELATIVE = 1e-4


def tolerance(reference: Outputs, smallest: float = 1e-5) -> dict[str, float]:
    """Logits may differ by a ten-thousandth of the largest, and never by less than `smallest`."""
    largest = max(float(np.abs(values).max()) for values in reference["logits"])
    return {"probabilities": PROBABILITY, "logits": max(smallest, _RELATIVE * largest)}


def agrees(reference: Outputs, found: Outputs) -> np.ndarray:
    """Equal best class, or one that the model itself holds for as good within the tolerance; bool (N,)."""
    wanted, given = np.stack(reference["probabilities"]), np.stack(found["probabilities"])
    gap = wanted.max(axis=1) - wanted[np.arange(len(wanted)), given.argmax(axis=1)]
    close: np.ndarray = gap <= 2 * PROBABILITY
    return close


def answer(outputs: Outputs, row: int, labels: Sequence[str]) -> str:
    """The most probable class of a sample, with its probability."""
    values = outputs["probabilities"][row]
    best = int(values.argmax())
    return f"{labels[best]} {values[best]:.4f}"


def score(outputs: Outputs, targets: Sequence[int]) -> Score:
    """The accuracy."""
    pairs = zip(outputs["probabilities"], targets, strict=True)
    right, n = sum(int(row.argmax()) == target for row, target in pairs), len(targets)
    return Score("accuracy", right / n if n else float("nan"), *wilson(right, n), n)
