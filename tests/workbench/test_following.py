# SPDX-License-Identifier: BSD-3-Clause
"""A run that is watched from its journal arrives whole: from the middle, torn, resumed, or after a crash."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.charts import RunChart
from lepton_lab.events import Alert, Event, RunEnded, RunStarted, StepDone, to_line
from lepton_lab.journal import RunFolder, new_run
from lepton_lab.views import VARIABLE, View, views
from lepton_lab.workbench.following import Follower, whole


class Recorder:
    """A view that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.closed = 0

    def __call__(self, event: Event) -> None:
        assert not self.closed
        self.events.append(event)

    def close(self) -> None:
        self.closed += 1

    @property
    def steps(self) -> list[int]:
        return [event.step for event in self.events if isinstance(event, StepDone)]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Recorder]:
    """All views that are opened; each is a `Recorder`."""
    found: list[Recorder] = []

    def open(folder: Path) -> Recorder:
        found.append(Recorder())
        return found[-1]

    record = View("recorder", "keeps what it is given", lambda: True, open)
    monkeypatch.setitem(views._records, record.name, record)
    monkeypatch.setenv(VARIABLE, record.name)
    return found


def step(number: int) -> StepDone:
    return StepDone(number, 1, 1 / number, 1e-3, 60.0, time=1000.0 + number)


def start(at: int = 0) -> RunStarted:
    return RunStarted("a", "m", "d", "t", "accuracy", 1, 100, at, time=1000.0)


def end(at: int, state: str) -> RunEnded:
    return RunEnded(at, 1, state, 5.0, time=1001.0 + at)


def write(folder: RunFolder, *events: Event, torn: str = "") -> None:
    with folder.journal.open("a") as journal:
        journal.write("".join(to_line(event) + "\n" for event in events) + torn)


def wait_until(true: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def test_what_is_there_comes_at_once_and_a_torn_line_when_it_is_whole() -> None:
    folder, seen = new_run("a", {}), Recorder()
    line = to_line(step(3)) + "\n"
    write(folder, start(), step(1), step(2), torn=line[:20])
    follower = Follower(folder, seen).start()
    assert seen.steps == [1, 2]
    with folder.journal.open("a") as journal:
        journal.write(line[20:])
    wait_until(lambda: seen.steps == [1, 2, 3])
    assert not seen.closed
    write(folder, end(3, "done"))
    folder.update(state="done")
    assert follower.wait(30)
    assert (seen.events[-1], seen.closed) == (end(3, "done"), 1)


def test_it_may_begin_before_the_journal_is_there_and_be_closed_before_the_end() -> None:
    folder, seen = new_run("a", {}), Recorder()
    follower = Follower(folder, seen).start()
    write(folder, start(), step(1))
    wait_until(lambda: seen.steps == [1])
    follower.close()
    write(folder, step(2))
    assert (seen.steps, seen.closed) == ([1], 1)
    assert not any(isinstance(event, RunEnded | Alert) for event in seen.events)


def test_the_end_before_a_resume_is_no_end() -> None:
    folder, seen = new_run("a", {}), Recorder()
    write(folder, start(), step(1), end(1, "stopped"), start(1), step(2))
    follower = Follower(folder, seen).start()
    assert seen.events == [start(), step(1), start(1), step(2)]
    write(folder, end(2, "stopped"))
    time.sleep(0.3)
    write(folder, start(2), step(3), end(3, "done"))
    folder.update(state="done")
    assert follower.wait(30)
    assert [e for e in seen.events if isinstance(e, RunEnded)] == [end(3, "done")]
    assert seen.steps == [1, 2, 3]


def test_a_process_that_dies_ends_the_view_which_says_so() -> None:
    from lepton_lab.journal.process import started, this_process

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    seen = Recorder()
    folder = new_run("a", {})
    process = this_process() | {"pid": child.pid, "started": started(child.pid)}
    folder.update(state="running", process=process)
    write(folder, start(), step(1), torn=to_line(step(2))[:30])
    follower = Follower(folder, seen).start()
    child.kill()
    child.wait()
    assert follower.wait(30)
    assert (seen.steps, seen.closed) == ([1], 1)
    told = seen.events[-1]
    assert isinstance(told, Alert)
    assert (told.level, told.step, told.hint) == ("error", 1, "lab.resume('a')")
    later = whole(folder).snapshot()
    assert (later.state, later.alerts, later.step) == ("interrupted", (told,), 1)
    assert later.elapsed == 1.0, "the time since the crash is no time of the run"


def test_a_watcher_that_fails_does_not_leave_anyone_waiting() -> None:
    folder = new_run("a", {})

    class Fails(Recorder):
        def __call__(self, event: Event) -> None:
            if isinstance(event, StepDone):
                raise ValueError("broken")

    seen = Fails()
    follower = Follower(folder, seen).start()
    write(folder, start(), step(1))
    assert follower.wait(30)
    assert seen.closed == 1


def test_two_views_of_a_run_that_trains_here_have_every_event_of_the_first(
    flowers: Path, opened: list[Recorder]
) -> None:
    options: dict[str, Any] = {"epochs": 2000, "batch_size": 8, "name": "a", "background": True}
    run = lab.train("lepton_glyphs", lab.data(flowers), **options)
    for count in (3, 12):
        wait_until(lambda n=count: len(opened[0].steps) >= n)  # type: ignore[misc]
        assert lab.run("a").show() is None
    assert opened[1].steps[:3] == [1, 2, 3] and opened[2].steps[:12] == list(range(1, 13))
    run.stop().wait()
    assert [view.closed for view in opened] == [1, 1, 1]
    assert opened[0].events == opened[1].events == opened[2].events == run.events
    assert isinstance(run.show(), RunChart)
    assert run.show().history.snapshot().column("step").tolist() == opened[0].steps
    assert len(opened) == 3


def test_the_view_of_a_resumed_run_begins_with_its_past_and_ends_once(
    flowers: Path, opened: list[Recorder]
) -> None:
    options: dict[str, Any] = {
        "epochs": 2,
        "batch_size": 8,
        "name": "a",
        "background": True,
        "checkpoint_every": 1,
    }
    run = lab.train("lepton_glyphs", lab.data(flowers), **options)
    run.stop().wait()
    again = lab.resume("a")
    assert again.state == "done"
    seen = opened[-1]
    assert [event.state for event in seen.events if isinstance(event, RunEnded)] == ["done"]
    assert seen.events[-1] == again.events[-1]
    assert seen.steps == list(range(1, len(seen.steps) + 1))
    assert len(seen.steps) == again.record["step"]
