# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import math
import threading

import numpy as np
import pytest

from lepton_lab.charts import History
from lepton_lab.events import (
    Alert,
    Controlled,
    Evaluated,
    RunEnded,
    RunStarted,
    Saved,
    StepDone,
    from_line,
    to_line,
)


def step(number, epoch=1, loss=0.5, time=0.0):
    return StepDone(number, epoch, loss, 1e-3, 60.0, time=time)


def start(at=0, time=0.0, epochs=2, per_epoch=100):
    return RunStarted("r", "m", "d", "t", "accuracy", epochs, per_epoch, step=at, time=time)


def test_journal_lines_give_the_same_history_as_the_live_events(make_run):
    events = make_run(nan=(7,))
    live = History.from_events(events).snapshot(now=0)
    replayed = History.from_events(from_line(to_line(event)) for event in events).snapshot(now=0)
    assert np.array_equal(live.steps, replayed.steps, equal_nan=True)
    assert live.broken == replayed.broken == (7,)
    assert live.best == replayed.best and live.state == replayed.state == "done"


def test_every_step_is_kept_at_full_resolution(make_run):
    view = History.from_events(make_run(epochs=10, per_epoch=300)).snapshot()
    assert view.column("step").tolist() == list(range(1, 3001))
    assert view.column("loss")[2] == pytest.approx(1 / 3 + 0.1 * math.sin(3))
    assert view.metrics["val", "accuracy"][0].tolist() == list(range(300, 3001, 300))


def test_states_follow_the_events():
    history = History()
    seen = [history.snapshot().state]
    for event in (
        start(),
        step(1),
        Controlled(1, "pause"),
        Controlled(1, "resume"),
        Controlled(2, "set", {"learning_rate": 1e-4}),
        Controlled(2, "stop"),
        RunEnded(2, 1, "stopped", 3.0),
    ):
        history.add(event)
        seen.append(history.snapshot().state)
    assert seen == [
        "starting", "running", "running", "paused", "running", "running", "stopping", "stopped",
    ]  # fmt: skip


def test_a_resume_replaces_what_came_after_its_step():
    view = History.from_events(
        [
            start(),
            *(step(i) for i in range(1, 11)),
            Evaluated(10, 1, "val", {"accuracy": 0.9}, best=True),
            start(at=6),
            step(7, loss=0.25),
        ]
    ).snapshot()
    assert view.column("step").tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert view.last("loss") == 0.25
    assert view.metrics["val", "accuracy"][0].tolist() == []
    assert view.best == {} and view.best_step == 0


def test_a_broken_step_is_remembered_after_the_run_went_back_before_it():
    view = History.from_events(
        [start(), step(1), step(2, loss=math.nan), step(2, loss=0.4)]
    ).snapshot()
    assert view.broken == (2,)
    assert view.column("loss").tolist() == [0.5, 0.4]


def test_the_rate_is_robust_against_a_pause_and_time_left_counts_the_evaluations():
    events = [start(epochs=3, per_epoch=20, time=0.0)]
    now = 0.0
    for number in range(1, 41):
        now += 100.0 if number == 30 else 0.1
        now += 2.0 if number == 21 else 0.0
        events.append(step(number, epoch=1 if number <= 20 else 2, time=now))
    view = History.from_events(events).snapshot()
    assert view.steps_per_second == pytest.approx(10.0)
    assert view.seconds_left == pytest.approx(20 * 0.1 + 2.0)
    assert view.fraction == pytest.approx(40 / 60)


def test_rate_and_time_left_are_unknown_before_there_is_anything_to_measure():
    view = History.from_events([start(), step(1)]).snapshot()
    assert view.steps_per_second is None and view.seconds_left is None


def test_an_evaluation_repeated_at_a_step_replaces_the_earlier_one():
    events = [
        start(),
        Evaluated(5, 1, "val", {"accuracy": 0.1}),
        Evaluated(5, 1, "val", {"accuracy": 0.2}),
    ]
    assert History.from_events(events).snapshot().metrics["val", "accuracy"][1].tolist() == [0.2]


def test_the_metric_drawn_is_the_one_the_run_selects_by_or_else_one_that_was_measured():
    chosen = [start(), Evaluated(5, 1, "val", {"loss": 1.0, "f1": 0.2, "accuracy": 0.3})]
    other = [start(), Evaluated(5, 1, "val", {"loss": 1.0, "f1": 0.2})]
    assert History.from_events(chosen).snapshot().metric == "accuracy"
    assert History.from_events(other).snapshot().metric == "f1"


def test_elapsed_time_runs_while_training_stands_while_paused_and_ends_with_the_run():
    history = History.from_events([start(time=100.0), step(1, time=101.0)])
    assert history.snapshot(now=110.0).elapsed == 10.0
    history.add(Controlled(1, "pause", time=112.0))
    assert history.snapshot(now=500.0).elapsed == 12.0
    history.add(RunEnded(1, 1, "stopped", 12.5, time=600.0))
    assert history.snapshot(now=900.0).elapsed == 12.5


def test_a_snapshot_does_not_change_when_events_follow():
    history = History.from_events([start(), step(1), Alert(1, "info", "hello")])
    view = history.snapshot()
    history.add(step(2))
    history.add(Alert(2, "warning", "more"))
    assert len(view.steps) == 1 and len(view.alerts) == 1


def test_an_event_of_an_unknown_kind_is_passed_over():
    history = History()
    history.add(object())
    assert history.version == 0


def test_snapshots_taken_while_another_thread_adds_are_whole():
    history, done = History(), threading.Event()

    def add():
        for number in range(1, 20_001):
            history.add(step(number, loss=float(number)))
        done.set()

    thread = threading.Thread(target=add)
    thread.start()
    while not done.is_set():
        view = history.snapshot()
        assert len(view.steps) == view.step
        assert np.array_equal(view.column("step"), view.column("loss"))
    thread.join()
    assert history.snapshot().step == 20_000


def test_a_run_that_never_said_how_it_ended_was_interrupted_and_others_keep_their_end():
    cut, done = (
        History.from_events([start(), step(1)]),
        History.from_events([RunEnded(1, 1, "done", 1.0)]),
    )
    cut.end()
    done.end()
    assert cut.snapshot().state == "interrupted" and cut.snapshot().ended
    assert done.snapshot().state == "done"


def test_a_run_that_is_planned_anew_tells_its_steps_and_between_which_times_it_ends():
    history = History()
    history.add(start(epochs=2, per_epoch=10))
    assert (history.snapshot().total_steps, history.snapshot().ends_between) == (20, None)
    for number in range(1, 6):
        history.add(step(number, time=float(number)))
    assert history.snapshot(now=5.0).ends_between is None
    history.add(Controlled(5, "plan", {"steps": 12}, time=5.0))
    seen = history.snapshot(now=5.0)
    assert (seen.total_steps, seen.epochs) == (12, 2)
    assert seen.ends_between == (12.0, 12.0)


def test_the_newest_the_best_and_the_pinned_checkpoints_are_kept():
    events = [Saved(step, 1, f"step-{step}", best=step == 20, time=1.0) for step in (0, 10, 20, 30)]
    events.insert(2, Controlled(10, "checkpoint", time=1.0))
    events += [Saved(step, 2, f"step-{step}", time=1.0) for step in (40, 50)]
    view = History.from_events(events).snapshot()
    assert view.kept == (10, 20, 40, 50)
    assert view.saved == events[-1]
    assert History().snapshot().kept == ()


def test_as_many_newest_checkpoints_are_told_as_training_keeps():
    from lepton_lab.charts.history import RECENT
    from lepton_lab.training.checkpoint import KEEP

    assert RECENT == KEEP
