# SPDX-License-Identifier: BSD-3-Clause
"""One class per sample: its name in, its index out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lepton_lab.datasets.label import Labels


def _targets(labels: Sequence[int | None]) -> np.ndarray:
    """Class indexes, int64 (N,); -1 where there is no label."""
    return np.array([-1 if label is None else label for label in labels], dtype=np.int64)


def _encode(label: str, index: Mapping[str, int]) -> int:
    return index[str(label)]


def _words(label: int | None, classes: Sequence[str]) -> str:
    return "no label" if label is None else classes[label]


RECORD = Labels(
    name="class",
    names=lambda label: (str(label),),
    encode=_encode,
    stratum=str,
    targets=_targets,
    words=_words,
    indexes=lambda label: (label,),
)
