# SPDX-License-Identifier: BSD-3-Clause
"""A tag for each word of a sample: BIO names in, their indexes out.

A type is in the vocabulary with both its tags, and O always is: a model must be able to say each of
them, also where a small training split happens to lack one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from lepton_lab.datasets.label import Labels

_OUTSIDE = "O"

Encoded = tuple[int, ...]


def _names(label: Sequence[str]) -> tuple[str, ...]:
    kinds = dict.fromkeys(tag[2:] for tag in label if tag != _OUTSIDE)
    return (_OUTSIDE, *(f"{mark}-{kind}" for kind in kinds for mark in "BI"))


def _encode(label: Sequence[str], index: Mapping[str, int]) -> Encoded:
    return tuple(index[tag] for tag in label)


def _stratum(label: Sequence[str]) -> str:
    """The type of the first entity: sentences without any are a stratum of their own."""
    return next((tag[2:] for tag in label if tag != _OUTSIDE), "")


def _targets(labels: Sequence[Encoded | None]) -> list[np.ndarray]:
    """Tag indexes per sentence, int64 (W,); empty where there is no label."""
    return [np.array(label or (), np.int64) for label in labels]


def _words(label: Encoded | None, classes: Sequence[str]) -> str:
    if label is None:
        return "no label"
    counts = Counter(classes[tag][2:] for tag in label if classes[tag].startswith("B-"))
    said = (kind if count == 1 else f"{count} {kind}" for kind, count in sorted(counts.items()))
    return ", ".join(said) or "no entity"


def _indexes(label: Encoded) -> Iterable[int]:
    return set(label)


RECORD = Labels(
    name="tags",
    names=_names,
    encode=_encode,
    stratum=_stratum,
    targets=_targets,
    words=_words,
    indexes=_indexes,
)
