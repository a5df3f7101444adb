# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lepton_lab.errors import StorageError
from lepton_lab.events import Alert, Bus, RunEnded, Saved, StepDone, from_line, to_line
from lepton_lab.journal import JournalWriter
from tests.small_disk import fill, small_disk

unix = pytest.mark.skipif(os.name == "nt", reason="signals and mounts are those of Unix")
WRITE = """
import sys
from lepton_lab.events import Alert
from lepton_lab.journal import JournalWriter
writer = JournalWriter(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    writer(Alert(number, sys.argv[2], "x" * (number % 700)))
    if number == 20:
        print("under way", flush=True)
"""


def spawn(path: Path, who: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITE, str(path), who, str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start(*children: subprocess.Popen[str]) -> None:
    """Let writers that are ready begin at once."""
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()


def note(number: int, text: str = "x") -> Alert:
    return Alert(number, "info", text)


def steps(path: Path) -> list[int]:
    """The step of every line; a line that is no event fails the test."""
    return [from_line(line).step for line in path.read_text("ascii").splitlines()]


def test_each_event_is_on_the_disk_as_one_line_when_the_call_returns(tmp_path):
    path = tmp_path / "events.jsonl"
    writer = JournalWriter(path)
    events = [
        note(1),
        StepDone(2, 1, float("nan"), 0.1, 5.0),
        Saved(2, 1, "checkpoints/step-2"),
        RunEnded(2, 1, "done", 3.0),
    ]
    for number, event in enumerate(events, 1):
        writer(event)
        lines = path.read_text().splitlines()
        assert len(lines) == number
        assert lines[-1] == to_line(event)
    writer.close()


def test_a_second_writer_goes_on_where_the_first_ended(tmp_path):
    path = tmp_path / "events.jsonl"
    for number in (1, 2):
        writer = JournalWriter(path)
        writer(note(number))
        writer.close()
    assert steps(path) == [1, 2]


def test_closing_twice_is_harmless_and_writes_to_no_file_that_came_after(tmp_path):
    writer = JournalWriter(tmp_path / "events.jsonl")
    writer.close()
    with (tmp_path / "other").open("wb") as other:
        writer(note(1))
        writer.close()
        other.write(b"mine")
    assert (tmp_path / "other").read_bytes() == b"mine"
    assert (tmp_path / "events.jsonl").read_bytes() == b""


@pytest.mark.parametrize("keep", [1, 30, -1])
def test_a_line_that_a_power_cut_tore_is_ended_so_that_the_next_one_is_whole(tmp_path, keep):
    path = tmp_path / "events.jsonl"
    path.write_text(to_line(note(1)) + "\n" + to_line(note(2))[:keep])
    writer = JournalWriter(path)
    writer(note(3))
    writer.close()
    lines = path.read_text().splitlines()
    assert [from_line(lines[0]).step, from_line(lines[-1]).step] == [1, 3]
    assert len(lines) == 3


def test_a_journal_that_ended_well_is_not_touched_on_opening(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text(to_line(note(1)) + "\n")
    JournalWriter(path).close()
    assert path.read_text().count("\n") == 1


@unix
def test_two_processes_that_write_at_once_never_mix_or_lose_a_line(tmp_path):
    path = tmp_path / "events.jsonl"
    children = [spawn(path, who, 2000) for who in ("a", "b")]
    start(*children)
    for child in children:
        child.communicate()
        assert child.returncode == 0
    events = [from_line(line) for line in path.read_text().splitlines()]
    for who in ("a", "b"):
        assert [event.step for event in events if event.level == who] == list(range(2000))
    assert len(events) == 4000


@unix
def test_a_writer_that_is_killed_leaves_whole_lines_without_a_gap(tmp_path):
    path = tmp_path / "events.jsonl"
    for number in range(3):
        with spawn(path, f"child {number}", 10**9) as child:
            try:
                start(child)
                assert child.stdout.readline() == "under way\n"
            finally:
                child.kill()
        assert child.returncode == -signal.SIGKILL
    events = [from_line(line) for line in path.read_text().splitlines()]
    for number in range(3):
        own = [event.step for event in events if event.level == f"child {number}"]
        assert own == list(range(len(own)))
        assert len(own) > 20


@unix
def test_on_a_full_disk_lines_wait_and_are_written_in_order_when_there_is_space(tmp_path, caplog):
    with small_disk(tmp_path / "small") as disk:
        path = disk / "events.jsonl"
        writer, bus, others = JournalWriter(path), Bus(), []
        bus.subscribe(writer)
        bus.subscribe(others.append)
        bus.emit(note(0))
        ballast = fill(disk)
        for number in range(1, 60):
            bus.emit(note(number, "x" * 400) if number % 10 else Saved(number, 1, "checkpoints"))
        assert writer.failing
        assert "No space left on device" in caplog.text
        assert len(others) == 60, "the loop and the other watchers notice nothing"
        ballast.unlink()
        bus.emit(note(60))
        assert not writer.failing
        assert steps(path) == list(range(61))
        writer.close()


@unix
def test_what_waits_is_written_when_the_journal_is_closed(tmp_path):
    with small_disk(tmp_path / "small") as disk:
        writer = JournalWriter(disk / "events.jsonl")
        ballast = fill(disk)
        for number in range(40):
            writer(note(number, "x" * 400))
        assert writer.failing
        ballast.unlink()
        writer.close()
        assert steps(disk / "events.jsonl") == list(range(40))


@unix
def test_a_torn_journal_on_a_full_disk_is_mended_when_there_is_space(tmp_path):
    with small_disk(tmp_path / "small") as disk:
        path = disk / "events.jsonl"
        torn = (
            to_line(note(1))
            + "\n"
            + to_line(note(2, "x" * (4096 - 2 * len(to_line(note(1, ""))) - 1)))
        )
        path.write_bytes(torn.encode()[:4096])
        ballast = fill(disk)
        writer = JournalWriter(path)
        writer(note(3))
        assert writer.failing
        ballast.unlink()
        writer(note(4))
        writer.close()
        lines = path.read_text().splitlines()
        assert [from_line(line).step for line in (lines[0], *lines[-2:])] == [1, 3, 4]
        assert len(lines) == 4


def test_a_disk_that_refuses_to_sync_does_not_end_the_journal(tmp_path, monkeypatch, caplog):
    def refuse(descriptor):
        raise OSError(5, "Input/output error")

    writer = JournalWriter(tmp_path / "events.jsonl")
    monkeypatch.setattr(os, "fsync", refuse)
    writer(Saved(1, 1, "checkpoints/step-1"))
    writer(note(2))
    monkeypatch.undo()
    writer.close()
    assert steps(tmp_path / "events.jsonl") == [1, 2]
    assert "cannot be synced: " in caplog.text


@pytest.mark.parametrize("place", ["folder", "missing/events.jsonl"])
def test_a_place_that_cannot_be_written_is_refused_before_anything_starts(tmp_path, place):
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match=r"The journal .* cannot be written") as caught:
        JournalWriter(tmp_path / place)
    assert "Training was not started" in caught.value.why
    assert "LEPTON_RUNS" in caught.value.todo
