# SPDX-License-Identifier: BSD-3-Clause
"""A sink gets everything in order; one that is broken, stuck or slow costs the run nothing and is told once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

import lepton_lab as lab
from lepton_lab.events import Alert, Bus, Event, RunEnded, StepDone
from lepton_lab.trackers import Batches, Tracker, trackers
from lepton_lab.workbench import tracking
from tests.trackers.conftest import OPTIONS


class Kept:
    """A sink that keeps the batches and the threads that brought them."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.threads: set[str] = set()
        self.closed = False

    def write(self, events) -> None:
        self.batches.append(list(events))
        self.threads.add(threading.current_thread().name)

    def close(self) -> None:
        self.closed = True


class Broken(Kept):
    def write(self, events) -> None:
        super().write(events)
        raise OSError("no space left\nsecond line")


class Stuck(Kept):
    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.entered = threading.Event()

    def write(self, events) -> None:
        super().write(events)
        self.entered.set()
        self.free.wait()


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    sink = Stuck()
    yield sink
    sink.free.set()


def step(number: int) -> StepDone:
    return StepDone(number, 1, 0.5, 1e-3, 10.0)


def alerts_of(bus: Bus) -> list[Alert]:
    found: list[Alert] = []
    bus.subscribe(lambda event: found.append(event) if isinstance(event, Alert) else None)
    return found


def test_a_sink_gets_every_event_once_in_order_and_on_a_thread_of_its_own():
    bus, sink = Bus(), Kept()
    batches = Batches("kept", sink, bus)
    events: list[Event] = [step(number) for number in range(1, 2001)]
    for event in events:
        bus.emit(event)
    last = RunEnded(2000, 1, "done", 1.0)
    batches.end(last)
    bus.emit(last)
    batches.wait(30)
    assert [event for batch in sink.batches for event in batch] == [*events, last]
    assert len(sink.batches) < 100
    assert sink.threads == {"tracker-kept"}
    assert sink.closed


def test_nothing_waits_for_a_run_that_never_began():
    bus, sink = Bus(), Kept()
    batches = Batches("kept", sink, bus)
    batches.end()
    batches.wait(30)
    assert sink.batches == []


def test_a_sink_that_raises_is_dropped_and_told_once():
    bus, sink = Bus(), Broken()
    alerts = alerts_of(bus)
    batches = Batches("broken", sink, bus)
    bus.emit(step(7))
    batches._thread.join(30)
    for number in range(8, 20):
        bus.emit(step(number))
    batches.end(RunEnded(19, 1, "done", 1.0))
    batches.wait(30)
    assert len(sink.batches) == 1
    assert sink.closed
    (alert,) = alerts
    assert (alert.step, alert.level) == (7, "warning")
    assert alert.message.endswith("no space left.")
    assert "'broken'" in alert.message


def test_a_sink_that_does_not_answer_is_dropped_and_told_once(stuck):
    bus = Bus()
    alerts = alerts_of(bus)
    batches = Batches("stuck", stuck, bus, patience=0.0)
    bus.emit(step(1))
    assert stuck.entered.wait(30)
    for number in range(2, 50):
        bus.emit(step(number))
    assert batches.failed
    assert len(alerts) == 1
    assert "has not answered" in alerts[0].message
    batches.end()
    batches.wait(30)
    assert len(alerts) == 1


def test_a_buffer_that_is_full_is_let_go(stuck):
    bus = Bus()
    alerts = alerts_of(bus)
    batches = Batches("stuck", stuck, bus, limit=100)
    bus.emit(step(1))
    assert stuck.entered.wait(30)
    for number in range(2, 5000):
        bus.emit(step(number))
    assert len(batches._waiting) == 0
    assert [alert.step for alert in alerts] == [102]
    assert "slower than the training" in alerts[0].message


def test_what_comes_late_is_told_at_the_end_and_stored_after_it(stuck):
    bus = Bus()
    alerts = alerts_of(bus)
    batches = Batches("stuck", stuck, bus)
    bus.emit(step(1))
    assert stuck.entered.wait(30)
    bus.emit(step(2))
    last = RunEnded(2, 1, "done", 1.0)
    batches.end(last)
    batches.wait(0)
    batches.wait(0)
    assert len(alerts) == 1
    assert "had not stored everything" in alerts[0].message
    stuck.free.set()
    batches._thread.join(30)
    assert [event for batch in stuck.batches for event in batch] == [step_of(1), step_of(2), last]
    assert stuck.closed


def step_of(number: int) -> object:
    """Equal to the event of that step, whenever it was."""

    class Like:
        def __eq__(self, other: object) -> bool:
            return isinstance(other, StepDone) and other.step == number

        __hash__ = None  # type: ignore[assignment]

    return Like()


@pytest.mark.parametrize("kind", ["broken", "stuck"])
def test_a_training_ends_well_whatever_its_tracker_does(pictures, monkeypatch, stuck, kind):
    sink = stuck if kind == "stuck" else Broken()
    record = Tracker(kind, "for this test", lambda: None, lambda subject: sink)
    monkeypatch.setitem(trackers._records, kind, record)
    monkeypatch.setattr(tracking, "SECONDS_AT_END", 0.0 if kind == "stuck" else 30.0)
    run = lab.train("lepton_glyphs", lab.data(pictures), track=kind, **OPTIONS)
    events = list(run.folder.events())
    (alert,) = [event for event in events if isinstance(event, Alert)]
    assert run.state == "done"
    assert isinstance(events[-1], RunEnded)
    assert f"'{kind}'" in alert.message
