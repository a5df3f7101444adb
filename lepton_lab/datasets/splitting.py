# SPDX-License-Identifier: BSD-3-Clause
"""Who is held out: a stratified split that is a pure function of ids, labels and seed.

Samples are ranked by a hash of the seed and their id, so the order in which a disk lists its
files, the machine and the number of workers change nothing. Copies of one picture (same bytes)
form a group that stays on one side. Class shares are exact to one group; a class always keeps at
least one in train.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

from lepton_lab.datasets.records import SPLITS


def assign(
    ids: Sequence[str],
    labels: Sequence[str],
    *,
    val: float,
    test: float,
    seed: int,
    groups: Sequence[Hashable] | None = None,
) -> list[str]:
    """The split of every sample.

    Args:
        ids: Unique names.
        labels: Class of each sample.
        val: Share of the groups for "val".
        test: Share of the groups for "test".
        seed: Seed of the split.
        groups: A key per sample; samples with equal keys stay together, a false key stands alone. A
            group counts for the class of its member with the smallest id.

    Returns:
        "train", "val" or "test" per sample, in the order of `ids`.

    >>> assign(["a", "b", "c", "d"], ["x"] * 4, val=0.25, test=0.25, seed=0).count("train")
    2
    """
    units_of_all = members(ids, groups)
    strata: dict[str, list[list[int]]] = defaultdict(list)
    for indexes in units_of_all:
        strata[labels[indexes[0]]].append(indexes)
    for label in strata:
        strata[label].sort(key=lambda indexes: rank(seed, ids[indexes[0]]))
    sizes = {label: len(units) for label, units in strata.items()}
    tests = quotas(sizes, test, {label: n - 1 for label, n in sizes.items()}, seed)
    vals = quotas(sizes, val, {label: n - 1 - tests[label] for label, n in sizes.items()}, seed)
    chosen = ["train"] * len(ids)
    for label, units in strata.items():
        for place, indexes in enumerate(units):
            split = (
                "test"
                if place < tests[label]
                else "val"
                if place < tests[label] + vals[label]
                else "train"
            )
            for i in indexes:
                chosen[i] = split
    return chosen


def quotas(
    sizes: Mapping[str, int], share: float, room: Mapping[str, int], seed: int = 0
) -> dict[str, int]:
    """How many of each class to hold out: whole shares first, the rest to the largest remainders.

    Args:
        sizes: Class -> number of groups.
        share: The share wanted of every class.
        room: Class -> the most that may be taken from it.
        seed: Decides between equal remainders.

    >>> quotas({"a": 10, "b": 3, "c": 1}, 0.2, {"a": 9, "b": 2, "c": 0})
    {'a': 2, 'b': 1, 'c': 0}
    """
    wanted = {label: n * share for label, n in sizes.items()}
    taken = {label: min(math.floor(w + 1e-9), room[label]) for label, w in wanted.items()}
    missing = round(sum(wanted.values())) - sum(taken.values())
    by_remainder = sorted(
        sizes, key=lambda label: (taken[label] - wanted[label], rank(seed, label))
    )
    for label in by_remainder:
        if missing > 0 and taken[label] < room[label] and wanted[label] - taken[label] > 1e-9:
            taken[label] += 1
            missing -= 1
    return taken


def keep_copies_together(
    ids: Sequence[str], splits: Sequence[str], groups: Sequence[Hashable]
) -> list[str]:
    """Move the copies of a group to its earliest side: train before val before test.

    Args:
        ids: Unique names.
        splits: The side of each sample.
        groups: As in `assign`.

    Returns:
        The sides, with no group on two of them.
    """
    moved = list(splits)
    for indexes in members(ids, groups):
        first = min((splits[i] for i in indexes), key=SPLITS.index)
        for i in indexes:
            moved[i] = first
    return moved


def members(ids: Sequence[str], groups: Sequence[Hashable] | None) -> list[list[int]]:
    """Indexes of each group, the smallest id first."""
    found: dict[Hashable, list[int]] = defaultdict(list)
    for i, name in enumerate(ids):
        key = groups[i] if groups is not None and groups[i] else None
        found[("alone", name) if key is None else ("group", key)].append(i)
    return [sorted(indexes, key=lambda i: ids[i]) for indexes in found.values()]


def rank(seed: int, name: str) -> bytes:
    """A hash of the seed and a name, to order by."""
    return hashlib.blake2b(
        f"{seed}\0{name}".encode("utf-8", "surrogatepass"), digest_size=16
    ).digest()
