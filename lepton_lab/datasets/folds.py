# SPDX-License-Identifier: BSD-3-Clause
"""Folds for cross-validation: a pure function of ids, labels, groups and the seed of the split.

Samples of one class are dealt to the folds in turn, so that each fold has its share of every class; copies
and groups stay together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from lepton_lab.datasets.records import Sample, no_such, plural
from lepton_lab.datasets.splitting import members, rank

if TYPE_CHECKING:
    from lepton_lab.datasets.dataset import Dataset

D = TypeVar("D", bound="Dataset")
MOST = 100


def folded(data: D, fold: str) -> D:
    """`data` with fold K of N as val and the others as train; see `Dataset.folded`."""
    number, count = parsed(fold)
    pool = [s for split in (data.train, data.val) if split is not None for s in split]
    pool.sort(key=lambda sample: sample.id)
    places = deal(data, pool, count)
    samples = {
        "train": [s for s, at in zip(pool, places, strict=True) if at != number - 1],
        "val": [s for s, at in zip(pool, places, strict=True) if at == number - 1],
        "test": [] if data.test is None else list(data.test),
    }
    return data.rebuilt(samples, replace(data.spec, fold=fold), data.problems)


def parsed(fold: str) -> tuple[int, int]:
    """K and N of "K/N".

    Raises:
        DataError: It is no such pair with 1 <= K <= N and 2 <= N <= 100.

    >>> parsed("2/5")
    (2, 5)
    """
    number, _, count = fold.partition("/")
    plain = number.isdecimal() and count.isdecimal()
    if plain and 2 <= int(count) <= MOST and 1 <= int(number) <= int(count):
        return int(number), int(count)
    raise no_such(
        f'"{fold}" is no fold.', f"Folds are numbered 1/N to N/N, N at most {MOST}.", 'fold="1/5"'
    )


def deal(data: Dataset, pool: list[Sample], count: int) -> list[int]:
    """The fold of each sample, from 0.

    Args:
        data: Whose samples they are.
        pool: Samples, ordered by id.
        count: How many folds.

    Raises:
        DataError: There are fewer groups than folds.
    """
    ids = [sample.id for sample in pool]
    groups = [data.groups.get(name) or data.checks[name].digest for name in ids]
    units = members(ids, groups)
    if len(units) < count:
        raise no_such(
            f"{plural(len(units), 'sample')} cannot be cut into {count} folds.",
            "Copies and groups count once.",
            f'fold="1/{max(len(units), 2)}"',
        )
    strata: dict[str, list[list[int]]] = defaultdict(list)
    for unit in units:
        label = pool[unit[0]].label
        words = "" if label is None else data.train.labels.words(label, data.classes)
        strata[words if data.classes else ""].append(unit)
    places, turn = [0] * len(pool), 0
    for name in sorted(strata):
        for unit in sorted(strata[name], key=lambda unit: rank(data.spec.seed, ids[unit[0]])):
            for index in unit:
                places[index] = turn % count
            turn += 1
    return places
