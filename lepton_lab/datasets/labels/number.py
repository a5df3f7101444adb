# SPDX-License-Identifier: BSD-3-Clause
"""A number per sample: a score, a price, an age. There are no classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lepton_lab.datasets.label import Labels


def _encode(label: Any, index: Mapping[str, int]) -> float:
    return float(label)


def _targets(labels: Sequence[float | None]) -> np.ndarray:
    """float64 (N,); NaN where there is no label."""
    return np.array([np.nan if label is None else label for label in labels], dtype=np.float64)


def _words(label: float | None, classes: Sequence[str]) -> str:
    return "no label" if label is None else f"{label:.6g}"


RECORD = Labels(
    name="number",
    names=lambda label: (),
    encode=_encode,
    stratum=lambda label: "",
    targets=_targets,
    words=_words,
    fewest=0,
)
