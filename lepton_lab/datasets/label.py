# SPDX-License-Identifier: BSD-3-Clause
"""What a label is: one record per kind, whatever the samples are that bear it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lepton_lab.registry import Registry

if TYPE_CHECKING:
    import numpy as np

    from lepton_lab.rendering import Markup


def _none(label: Any) -> Iterable[int]:
    return ()


@dataclass(frozen=True)
class Labels:
    """One kind of label.

    A source gives labels raw (text, numbers, lists of names); a split holds them encoded, their class names
    as indexes into the data set's classes.

    Attributes:
        name: As `Reading.labels` names it ("boxes").
        names: The class names that a raw label mentions.
        encode: A raw label as a sample holds it, given the index of each class name.
        stratum: What a split keeps balanced of a raw label; "" where all are alike.
        targets: Encoded labels of a split (None where a sample has none), as the metrics take them.
        words: An encoded label for people, given the class names.
        indexes: The classes that an encoded label bears, for counting.
        fewest: Classes that a training needs; 0 where there are none.
        draw: Draws an encoded label into the pixels of its picture, given the class names and a name for it
            all; None where a label is words alone.
    """

    name: str
    names: Callable[[Any], Iterable[str]]
    encode: Callable[[Any, Mapping[str, int]], Any]
    stratum: Callable[[Any], str]
    targets: Callable[[Sequence[Any]], Any]
    words: Callable[[Any, Sequence[str]], str]
    indexes: Callable[[Any], Iterable[int]] = _none
    fewest: int = 2
    draw: Callable[[np.ndarray, Any, Sequence[str], str], Markup] | None = None

    @property
    def description(self) -> str:
        """What they are, in a line."""
        return f"Labels of the kind {self.name}."


labelings: Registry[Labels] = Registry("labeling")
