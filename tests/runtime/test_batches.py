# SPDX-License-Identifier: BSD-3-Clause
"""What is computed at once is bounded in number and in size, and nothing changes its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lepton_lab.runtime.batches import TOKENS, VALUES, batches


def rows(sizes: list[int], name: str = "input_ids") -> list[tuple[int, dict[str, Any]]]:
    return [(i, {name: np.zeros(size, np.uint8)}) for i, size in enumerate(sizes)]


@pytest.mark.parametrize(("name", "budget"), [("input_ids", TOKENS), ("pixels", VALUES)])
def test_no_part_is_larger_than_it_may_be_and_the_order_stays(name: str, budget: int) -> None:
    random = np.random.default_rng(0)
    sizes = (budget * random.uniform(0.001, 0.6, 60)).astype(int).tolist()
    sizes[20:21] = [3 * budget]
    parts = list(batches(rows(sizes, name), 8))
    assert [i for part in parts for i, _ in part] == list(range(60))
    for part in parts:
        widest = max(row[name].size for _, row in part)
        assert len(part) == 1 or (len(part) <= 8 and len(part) * widest <= budget)
    assert [20] in [[i for i, _ in part] for part in parts]


def test_short_texts_go_together_and_thirty_two_full_ones_still_fit() -> None:
    assert [len(part) for part in batches(rows([512] * 40), 32)] == [32, 8]
    assert [len(part) for part in batches(rows([]), 32)] == []


def test_an_input_is_prepared_only_when_its_part_is_due() -> None:
    seen = []

    def prepared() -> Any:
        for one in rows([TOKENS] * 5):
            seen.append(one[0])
            yield one

    next(batches(prepared(), 32))
    assert seen == [0, 1]
