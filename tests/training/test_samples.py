# SPDX-License-Identifier: BSD-3-Clause
"""A few samples are told with each epoch, by place, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

import lepton_lab as lab
from lepton_lab.events import Predicted
from lepton_lab.training.samples import places


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7, 1000])
def test_places_are_few_different_and_reach_both_ends(count: int) -> None:
    found = places(count)
    assert len(found) == len(set(found)) == min(count, 6)
    assert found == sorted(found) and found[0] == 0 and found[-1] == count - 1


def test_a_run_tells_what_it_says_of_the_same_samples_after_each_epoch(flowers: Path) -> None:
    data = lab.data(flowers)
    run = lab.train("lepton_glyphs", data, epochs=2, batch_size=8)
    told = [event for event in run.events if isinstance(event, Predicted)]
    assert [(event.epoch, event.split) for event in told] == [(1, "val"), (2, "val")]
    split = data.val
    assert split is not None
    for event in told:
        assert [sample["place"] for sample in event.samples] == places(len(split))
        for sample in event.samples:
            label = split[sample["place"]].label
            assert label is not None and sample["expected"] == data.classes[label]
            assert sample["predicted"] in data.classes
            assert 1 / 3 <= sample["probability"] <= 1
