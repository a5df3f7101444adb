# SPDX-License-Identifier: BSD-3-Clause
"""Pairs of pictures that look alike: 64-bit hashes that differ in three bits at most.

Two hashes of four 16-bit parts that differ in at most three bits agree in at least one part.
Sorting by each part therefore finds every such pair without comparing all with all (Manku et al.,
"Detecting Near-Duplicates for Web Crawling", WWW 2007).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DISTANCE = 3
_CHUNK = 2048


def pairs(hashes: Sequence[int | None], distance: int = DISTANCE) -> list[tuple[int, int]]:
    """Index pairs (i < j) whose hashes differ in at most `distance` (0 to 3) bits, without None.

    >>> pairs([0b1111, 0b1110, None, 0b11110000])
    [(0, 1)]
    """
    present = np.array([i for i, value in enumerate(hashes) if value is not None], dtype=np.int64)
    values = np.array([hashes[i] for i in present], dtype=np.uint64)
    found: set[tuple[int, int]] = set()
    for part in range(4):
        keys = (values >> np.uint64(16 * part)) & np.uint64(0xFFFF)
        ranked = np.argsort(keys, kind="stable")
        edges = np.flatnonzero(np.diff(keys[ranked])) + 1
        for block in np.split(ranked, edges):
            if len(block) > 1:
                found |= _within(block, values, distance)
    return sorted(
        (min(int(present[a]), int(present[b])), max(int(present[a]), int(present[b])))
        for a, b in found
    )


def groups(edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Connected components of index pairs, each sorted, in the order of their first member.

    >>> groups([(0, 1), (1, 5), (2, 3)])
    [[0, 1, 5], [2, 3]]
    """
    parent: dict[int, int] = {}

    def root(i: int) -> int:
        while parent.setdefault(i, i) != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in edges:
        parent[max(root(a), root(b))] = min(root(a), root(b))
    found: dict[int, list[int]] = {}
    for i in sorted(parent):
        found.setdefault(root(i), []).append(i)
    return list(found.values())


def _within(block: np.ndarray, values: np.ndarray, distance: int) -> set[tuple[int, int]]:
    close: set[tuple[int, int]] = set()
    for start in range(0, len(block), _CHUNK):
        rows = block[start : start + _CHUNK]
        apart = _bits(values[rows][:, None] ^ values[block][None, :])
        for r, c in np.argwhere(apart <= distance):
            a, b = int(rows[r]), int(block[c])
            if a < b:
                close.add((a, b))
    return close


def _bits(values: np.ndarray) -> np.ndarray:
    """The number of set bits of uint64 values."""
    counts: np.ndarray = np.bitwise_count(values)
    return counts
