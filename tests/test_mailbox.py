# SPDX-License-Identifier: BSD-3-Clause
"""Letters between processes: in order, taken once, answered, and harmless when they are no letters."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lepton_lab import mailbox
from lepton_lab.errors import LeptonError


def test_letters_are_collected_once_and_in_order(tmp_path: Path) -> None:
    mailbox.post(tmp_path, "pause")
    mailbox.post(tmp_path, "set", {"learning_rate": 1e-4})
    mailbox.post(tmp_path, "evaluate", {"split": "val"}, answer=True)
    found = mailbox.collect(tmp_path)
    assert [(x.action, x.values, x.answer) for x in found] == [
        ("pause", {}, False),
        ("set", {"learning_rate": 1e-4}, False),
        ("evaluate", {"split": "val"}, True),
    ]
    assert mailbox.collect(tmp_path) == []


def test_an_answer_comes_back_under_its_number_and_once(tmp_path: Path) -> None:
    first, second = (mailbox.post(tmp_path, "evaluate", answer=True) for _ in range(2))
    assert mailbox.collect_answer(tmp_path, first) is None
    mailbox.answer(tmp_path, second, {"loss": math.nan})
    mailbox.answer(tmp_path, first, error=LeptonError("What.", "Why.", "Todo."))
    found = mailbox.collect_answer(tmp_path, second)
    assert found is not None and math.isnan(found.value["loss"])
    assert mailbox.collect_answer(tmp_path, first) == mailbox.Answer(
        None, ("What.", "Why.", "Todo.")
    )
    assert mailbox.collect_answer(tmp_path, first) is None


def test_an_unknown_action_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="pause"):
        mailbox.post(tmp_path, "pauze")
    assert mailbox.collect(tmp_path) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"action": "rm"}', '{"action": "stop", "values": 3}']
)
def test_what_is_no_letter_is_thrown_away(tmp_path: Path, text: str) -> None:
    number = mailbox.post(tmp_path, "stop")
    (tmp_path / mailbox.ORDERS / f"0{number}.json").write_text(text)
    assert [letter.id for letter in mailbox.collect(tmp_path)] == [number]
    assert list((tmp_path / mailbox.ORDERS).iterdir()) == []


def test_clear_takes_everything_away(tmp_path: Path) -> None:
    number = mailbox.post(tmp_path, "evaluate", answer=True)
    mailbox.answer(tmp_path, number, 1)
    mailbox.clear(tmp_path)
    assert list(tmp_path.iterdir()) == []
