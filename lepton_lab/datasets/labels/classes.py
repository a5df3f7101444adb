# SPDX-License-Identifier: BSD-3-Clause
"""Any number of classes per sample, none among them: a tuple of names in, a tuple of indexes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lepton_lab.datasets.label import Labels
from lepton_lab.rendering import visible

NONE = "none"


def _encode(label: Iterable[str], index: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(sorted({index[name] for name in label}))


def _targets(labels: Sequence[tuple[int, ...] | None]) -> list[tuple[int, ...] | None]:
    """The indexes of each sample, in its order; None where nothing is known."""
    return list(labels)


def _words(label: tuple[int, ...] | None, classes: Sequence[str]) -> str:
    if label is None:
        return "no label"
    return visible(", ".join(classes[i] for i in label)) or NONE


RECORD = Labels(
    name="classes",
    names=lambda label: label,
    encode=_encode,
    # Combinations are many and rare; the first class by name spreads well enough.
    stratum=lambda label: min(label, default=""),
    targets=_targets,
    words=_words,
    indexes=lambda label: label,
    fewest=1,
)
