# SPDX-License-Identifier: BSD-3-Clause
"""How many prepared inputs are computed at once: by their number, and by how large they are.

Thirty-two short texts are little; thirty-two long documents, padded to the longest of them, would take gigabytes
in the layers of a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from .inputs import Row

T = TypeVar("T")

# Tokens become vectors in every layer; pixels and sounds are made smaller by the first ones.
TOKENS = 1 << 14
VALUES = 1 << 23


def batches(prepared: Iterable[tuple[T, Row]], most: int) -> Iterator[list[tuple[T, Row]]]:
    """Inputs in their order, in parts that are computed at once; each is prepared when its part needs it.

    Args:
        prepared: Anything that belongs to an input, and its prepared row.
        most: Inputs of a part. A row that is larger than a part may be is a part of its own.
    """
    part: list[tuple[T, Row]] = []
    widest = 0.0
    for one in prepared:
        share = share_of(one[1])
        if part and (len(part) == most or (len(part) + 1) * max(widest, share) > 1.0):
            yield part
            part, widest = [], 0.0
        part.append(one)
        widest = max(widest, share)
    if part:
        yield part


def share_of(row: Row) -> float:
    """Which share of a part a row takes; all rows of a part are padded to the largest.

    >>> import numpy as np
    >>> share_of({"input_ids": np.zeros(512, np.int64)})
    0.03125
    """
    if "input_ids" in row:
        return row["input_ids"].size / TOKENS
    return max((values.size for values in row.values()), default=0) / VALUES
