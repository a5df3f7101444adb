# SPDX-License-Identifier: BSD-3-Clause
"""Several kernels at once, interrupted kernels, and a clock that goes backwards."""

from __future__ import annotations

import itertools
import json
import random
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.events import Bus, RunEnded, StepDone, from_line
from tests.faults import children
from tests.faults.children import RECIPE, Child
from tests.faults.conftest import Tally
from tests.faults.steps import PLAIN, after_steps


def test_two_kernels_that_write_runs_into_one_folder_never_share_a_name(
    images: Path, tmp_path: Path, full: bool, tally: Tally
) -> None:
    each, together = (6 if full else 2), time.time() + 1.5
    kernels = [
        Child(children.several, (str(images), each, together), tmp_path / "runs", tmp_path)
        for _ in range(2)
    ]
    names: list[str] = []
    for kernel in kernels:
        names += kernel.wait().value or [kernel.said]
    for name in names:
        folder = tmp_path / "runs" / name
        tally("two kernels, one folder: own name", names.count(name) == 1, name)
        events = [from_line(line) for line in (folder / "events.jsonl").read_text().splitlines()]
        steps = [e.step for e in events if isinstance(e, StepDone)]
        passed = steps == list(range(1, len(steps) + 1)) and isinstance(events[-1], RunEnded)
        record = json.loads((folder / "run.json").read_text())
        passed = passed and record["state"] == "done" and record["name"] == name
        tally("two kernels, one folder: journal whole", passed, f"{name} {steps}")
    assert len(names) == 2 * each
    tally.check()


@pytest.fixture(scope="module")
def end(images: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """How the interrupted run ends that is left alone."""
    folder = tmp_path_factory.mktemp("end")
    child = Child(children.train, (str(images), "end", RECIPE), folder / "runs", folder).wait()
    assert child.value is not None, child.said
    return str(child.value["digest"])


@pytest.mark.parametrize("presses", [1, 2])
def test_an_interrupted_training_stops_can_be_resumed_and_leaves_no_process(
    images: Path, end: str, tmp_path: Path, full: bool, tally: Tally, presses: int
) -> None:
    fault, dice = ("interrupted once" if presses == 1 else "interrupted twice"), random.Random(11)
    for number in range(8 if full else 1):
        slow, at = (0.1 if presses == 1 else 1.5), tmp_path / str(number)
        args = (str(images), "int", str(at / "started"), slow)
        child = Child(children.interrupted, args, at / "runs", at)
        deadline = time.monotonic() + 40
        while not (at / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.2))
        for _ in range(presses):
            pressed = time.time()
            child.kill(signal.SIGINT)
            time.sleep(0.1)
        found = child.wait().value or {}
        about = f"{found} {child.said[-1500:]}"
        tally(f"{fault}: stopped", found.get("end") == "stopped", about)
        tally(f"{fault}: no process left", found.get("children") == 0, about)
        tally(f"{fault}: nothing on the terminal", child.said == "", about)
        if presses == 2:
            passed = bool(found) and found["returned"] - pressed < 1.0 < found["over"] - pressed
            tally(f"{fault}: returned at once", passed, about)
        again = Child(children.resume, ("int", 0), at / "runs", at).wait()
        passed = bool(again.value) and again.value["digest"] == end
        tally(f"{fault}: resumed to the same bits", passed, again.said[-1500:])
    tally.check()


def test_a_run_that_fails_leaves_no_loader_worker_behind(
    images: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    def fail(_: Any) -> None:
        raise RuntimeError("injected")

    before = {child.pid for child in psutil.Process().children(recursive=True)}
    after_steps(monkeypatch, {3: fail})
    options = {**PLAIN, "workers": 2}
    run = lab.train("lepton_glyphs", lab.data(images), background=True, **options)
    assert run._control is not None
    run._control.over.wait(30)
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        left = {c.pid for c in psutil.Process().children(recursive=True)} - before
        if not left:
            break
        time.sleep(0.05)
    tally("failed with loader workers: no process left", not left, str(left))
    with pytest.raises(RuntimeError, match="injected"):
        run.wait()
    tally.check()


def test_a_clock_that_goes_backwards_harms_nothing(
    images: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lepton_lab.charts.svg import svg

    ticks, real, emit = itertools.count(), time.time(), Bus.emit
    monkeypatch.setattr(time, "time", lambda: real - 600.0 * next(ticks))
    monkeypatch.setattr(Bus, "emit", lambda self, e: emit(self, replace(e, time=time.time())))
    after_steps(monkeypatch, {5: lambda trainer: trainer.control.give("stop")})
    run = lab.train("lepton_glyphs", lab.data(images), **PLAIN)
    stopped = run.state
    resumed = lab.resume(run)
    events = resumed.events
    times = [event.time for event in events]
    assert sorted(times, reverse=True) == times, "the clock did not go backwards"
    tally(
        "clock backwards: stopped, resumed, done", (stopped, resumed.state) == ("stopped", "done")
    )
    seconds = [e.seconds for e in events if isinstance(e, RunEnded)]
    passed = len(seconds) == 2 and min(seconds) > 0 and resumed.record["seconds"] >= max(seconds)
    tally("clock backwards: durations", passed, str(seconds))
    steps = [e.step for e in events if isinstance(e, StepDone)]
    tally("clock backwards: journal in order", steps == list(range(1, 9)), str(steps))
    from lepton_lab.charts import History

    history = History()
    for event in events:
        history.add(event)
        seen = history.snapshot(now=time.time())
        left, rate = seen.seconds_left, seen.steps_per_second
        passed = seen.elapsed >= 0 and (left is None or left >= 0) and (rate is None or rate > 0)
        if not passed:
            break
    tally("clock backwards: charts", passed and "<svg" in svg(seen), str(seen)[:300])
    rates = [e.samples_per_second for e in events if isinstance(e, StepDone)]
    tally("clock backwards: rates", min(rates) > 0, str(rates))
    tally.check()
