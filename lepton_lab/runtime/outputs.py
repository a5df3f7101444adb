# SPDX-License-Identifier: BSD-3-Clause
"""From the numbers of a model to an answer: one file per kind of output.

The "kind" of the manifest's output chooses it. What an artifact keeps of its golden answers, and how far
another answer may be from them, is the business of the kind too.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from .errors import BundleError
from .inputs import Row

Outputs = Mapping[str, np.ndarray]

_KINDS = {
    "classes": "classes_output",
    "labels": "labels_output",
    "number": "number_output",
    "spans": "spans_output",
    "boxes": "boxes_output",
    "mask": "mask_output",
}


class Answer(Protocol):
    """The answer for one input; `str` says it in a line."""

    @property
    def name(self) -> str:
        """Name of the input, or an empty string."""
        ...

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON values."""
        ...


class Output(Protocol):
    """One kind of output for one model."""

    def cut(self, outputs: Outputs, rows: Sequence[Row]) -> list[dict[str, np.ndarray]]:
        """The outputs of a batch sample by sample, without what padding added."""
        ...

    def answer(self, outputs: Outputs, row: Row, name: str = "") -> Answer:
        """The answer that the outputs of one sample stand for."""
        ...

    def kept(self, outputs: Outputs) -> dict[str, Any]:
        """What an artifact keeps of a golden answer, as JSON values."""
        ...

    def gap(self, kept: Mapping[str, Any], outputs: Outputs) -> float:
        """How far outputs are from a golden answer, on the scale of the golden tolerance."""
        ...


def output(about: Mapping[str, Any], labels: Sequence[str]) -> Output:
    """What reads the outputs of a model.

    Args:
        about: The manifest's "output".
        labels: Class names.

    Raises:
        BundleError: This runtime does not know the kind of output.
    """
    kind = str(about.get("kind", "classes"))
    if kind not in _KINDS:
        raise BundleError(f"its output is of the kind '{kind}', which this runtime does not know")
    module = importlib.import_module(f".{_KINDS[kind]}", __package__)
    found: Output = module.make(about, tuple(labels))
    return found


def sliced(outputs: Outputs, count: int) -> list[dict[str, np.ndarray]]:
    """Outputs of a batch, sample by sample, where nothing was padded."""
    return [{name: values[i] for name, values in outputs.items()} for i in range(count)]
