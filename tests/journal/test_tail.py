# SPDX-License-Identifier: BSD-3-Clause
"""A journal that grows is read on, each event once; a torn line waits for its end."""

from __future__ import annotations

from pathlib import Path

from lepton_lab.events import Alert, to_line
from lepton_lab.journal.tail import Tail

LINES = [(to_line(Alert(i, "info", f"m{i}", time=1.0)) + "\n").encode() for i in range(4)]


def test_every_event_comes_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = Tail(path)
    assert tail.read() == []
    path.write_bytes(LINES[0] + LINES[1])
    assert [event.step for event in tail.read()] == [0, 1]
    with path.open("ab") as file:
        file.write(LINES[2])
    assert [event.step for event in tail.read()] == [2]
    assert tail.read() == []


def test_a_torn_line_waits_and_a_damaged_one_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES[0] + b"\xff{no event\n" + LINES[1][:10])
    tail = Tail(path)
    assert [event.step for event in tail.read()] == [0]
    with path.open("ab") as file:
        file.write(LINES[1][10:] + LINES[2])
    assert [event.step for event in tail.read()] == [1, 2]


def test_reading_can_start_at_the_end_of_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(LINES))
    assert [event.step for event in Tail(path, len(LINES[0] + LINES[1])).read()] == [2, 3]
