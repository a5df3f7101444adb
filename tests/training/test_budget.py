# SPDX-License-Identifier: BSD-3-Clause
"""A time budget: what is planned from a pace, and that a run keeps to it whatever its pace becomes."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import lepton_lab as lab
from lepton_lab.errors import LeptonError, SpecError
from lepton_lab.events import Controlled
from lepton_lab.spec import TrainSpec
from lepton_lab.training.budget import FEWEST, Budget, decide, fitting
from lepton_lab.training.pace import Pace, measure
from lepton_lab.training.plan import Plan
from lepton_lab.training.plan import decide as decide_rest
from lepton_lab.workbench.heads import with_head


def planned(count: int = 160) -> Plan:
    """A plan of 20 steps an epoch."""
    return decide_rest(TrainSpec(device="cpu", batch_size=8), count=count, pretrained=True)


def steady(step: float, epoch: float = 0.0, end: float = 0.0) -> Pace:
    return Pace(step, step * 0.9, step * 1.2, epoch, end)


times = st.floats(0.001, 5.0)


@given(
    st.floats(0, 500),
    times,
    st.floats(0, 5),
    st.floats(0, 5),
    st.integers(1, 50),
    st.integers(0, 200),
)
def test_the_steps_that_fit_take_no_longer_than_what_is_left_and_more_would(
    seconds: float, step: float, epoch: float, end: float, per_epoch: int, done: int
) -> None:
    def cost(total: int) -> float:
        return steady(step, epoch, end).seconds(
            total - done, -(-total // per_epoch) - done // per_epoch
        )

    total = fitting(seconds, steady(step, epoch, end), per_epoch, done)
    assert total >= done
    assert total == done or cost(total) <= seconds + 1e-6
    assert cost(total + 1) > seconds - 1e-6 or total % per_epoch == 0
    assert cost((total // per_epoch + 1) * per_epoch) > seconds - 1e-6


def test_as_many_whole_epochs_are_planned_as_fit_and_the_end_is_told_with_a_range() -> None:
    plan = decide(planned(), steady(0.5, epoch=1.0, end=2.0), 100.0, asked="100s")
    assert (plan.epochs, plan.steps) == (8, 160)
    assert plan.reasons["epochs"].startswith("budget 100s: 8 epochs of 11.0 s, expected end ")
    assert "between" in plan.reasons["epochs"]


def test_epochs_that_were_asked_for_are_not_exceeded() -> None:
    assert decide(planned(), steady(0.5), 1000.0, asked="", most=3).epochs == 3


def test_a_part_of_an_epoch_is_planned_when_a_whole_one_does_not_fit() -> None:
    plan = decide(planned(), steady(1.0, epoch=1.0), 10.0, asked="10s")
    assert (plan.epochs, plan.steps) == (1, 8)
    assert "8 of the 20 steps of an epoch" in plan.reasons["epochs"]


def test_a_budget_for_less_than_a_handful_of_steps_is_refused_with_one_that_would_do() -> None:
    with pytest.raises(LeptonError, match="not even 5 steps fit") as told:
        decide(planned(), steady(3.0, epoch=1.0), 10.0, asked="10s")
    assert told.value.todo == "--budget=2m"


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def followed(plan: Plan, clock: Clock, pace: float, steps: int) -> Budget:
    """A budget that saw so many steps, each of which took `pace` seconds."""
    budget = Budget(plan, clock)
    for step in range(steps):
        budget._learn(step)
        budget.mark()
        clock.now += pace
    return budget


def test_steps_that_become_slower_make_the_run_shorter_and_faster_ones_longer() -> None:
    plan = decide(planned(), steady(0.5), 100.0, asked="100s")
    assert plan.steps == 180
    assert followed(plan, Clock(), 0.5, 12).wanted(12, 180, 0.1) == 180
    slower = followed(plan, Clock(), 1.0, 12).wanted(12, 180, 0.1)
    assert 85 <= slower <= 100
    faster = followed(plan, Clock(), 0.25, 12).wanted(12, 180, 0.1)
    assert faster == 380


def test_a_run_never_becomes_longer_than_asked_for_nor_so_short_that_its_schedule_is_cut_off() -> (
    None
):
    plan = decide(planned(), steady(0.5), 100.0, asked="100s", most=10)
    assert followed(plan, Clock(), 0.1, 12).wanted(12, plan.steps, 0.1) == 200
    stalled = followed(plan, Clock(), 50.0, 12)
    assert stalled.wanted(12, plan.steps, 0.1) == 12 + FEWEST


def test_a_pause_does_not_count_and_what_was_spent_before_a_resume_does() -> None:
    plan, clock = decide(planned(), steady(0.5), 100.0, asked="100s"), Clock()
    budget = Budget(plan, clock)
    budget.go_on(30.0)
    clock.now += 10
    budget.pause(True)
    clock.now += 1000
    assert budget.left == 60.0
    budget.pause(False)
    clock.now += 5
    assert budget.left == 55.0


@pytest.mark.parametrize(
    ("asked", "meant"), [("10 minutes", "10m"), ("1:30", "1m30s"), ("soon", ""), ("-5", "")]
)
def test_a_budget_that_is_no_time_is_told_with_the_nearest_right_form(
    asked: str, meant: str
) -> None:
    with pytest.raises(SpecError, match="--budget") as told:
        lab.train("lepton_glyphs", "digits", budget=asked)
    assert (
        f"Did you mean {meant}?" in str(told.value) if meant else "needs a time" in str(told.value)
    )


def test_measuring_leaves_no_trace(flowers: Path, tmp_path: Path) -> None:
    data, spec = lab.data(flowers), TrainSpec(device="cpu")
    built, _ = with_head(lab.load_model("lepton_glyphs"), data, spec)
    before = {name: value.clone() for name, value in built.module.state_dict().items()}
    states = random.getstate(), torch.random.get_rng_state().tolist()
    plan = decide_rest(spec, count=len(data.train), pretrained=True)
    pace = measure(built, data, spec, plan, "image-classification", folder=tmp_path, limit=0.2)
    assert 0 < pace.low <= pace.step
    assert pace.epoch > 0
    assert pace.end > 0
    assert states == (random.getstate(), torch.random.get_rng_state().tolist())
    assert all(torch.equal(before[n], value) for n, value in built.module.state_dict().items())
    assert list(tmp_path.glob(".pace*")) == []


@pytest.fixture(scope="module")
def slowed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A run whose steps become slower after its first few."""
    from lepton_lab.tasks.image_classification import ImageClassification
    from tests.conftest import make_pictures

    patch = pytest.MonkeyPatch()
    patch.setenv("LEPTON_RUNS", str(tmp_path_factory.mktemp("budget") / "runs"))
    data = lab.data(make_pictures(tmp_path_factory.mktemp("p") / "p", ("a", "b", "c"), 16))
    lab.train("lepton_glyphs", data, epochs=1, batch_size=8, device="cpu", learning_rate=1e-3)
    original, trained = ImageClassification.loss, [0]

    def slower(self: Any, *values: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            trained[0] += 1
            time.sleep(0.2 if trained[0] > FEWEST else 0.0)
        return original(self, *values)

    patch.setattr(ImageClassification, "loss", slower)
    begun = time.monotonic()
    options = {"batch_size": 8, "device": "cpu", "learning_rate": 1e-3, "budget": SECONDS}
    run = lab.train("lepton_glyphs", data, **options)
    took = time.monotonic() - begun
    patch.setattr(ImageClassification, "loss", original)
    yield {"run": run, "took": took, "events": list(run.folder.events()), "data": data}
    patch.undo()


SECONDS = 8.0


def weights(run: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in run.model.module.state_dict().items()}


def test_a_run_that_becomes_slow_ends_on_time_with_its_schedule_finished(
    slowed: dict[str, Any],
) -> None:
    run = slowed["run"]
    orders = [e for e in slowed["events"] if isinstance(e, Controlled) and e.action == "plan"]
    first, last = orders[0].values["steps"], orders[-1].values["steps"]
    assert first == lab.training.Plan(**run.record["plan"]).steps
    assert last < first
    assert run.record["step"] == last
    assert run.state == "done"
    assert slowed["took"] < 1.5 * SECONDS  # without a new plan it would have been twice that
    rates = [e.learning_rate for e in slowed["events"] if e.kind == "step"]
    assert rates[-1] < 0.15 * max(rates)
    falling = rates[rates.index(max(rates)) :]
    assert falling == sorted(falling, reverse=True)


def test_its_repetition_takes_the_same_steps_to_the_same_weights(slowed: dict[str, Any]) -> None:
    again = lab.reproduce(slowed["run"])
    assert again.record["step"] == slowed["run"].record["step"]
    a, b = weights(slowed["run"]), weights(again)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_run_that_was_planned_anew_is_restored_to_the_same_bits(
    tmp_path: Path, flowers: Path
) -> None:
    from lepton_lab.catalog import build
    from lepton_lab.events import Bus
    from lepton_lab.spec import ModelSpec
    from lepton_lab.training import Control, checkpoint
    from lepton_lab.training.control import Order
    from lepton_lab.training.loop import train
    from lepton_lab.training.trainer import Trainer

    data = lab.data(flowers)
    spec = TrainSpec(device="cpu", batch_size=8, epochs=2, learning_rate=1e-3, checkpoint_every=1)

    def trainer(folder: str, orders: dict[int, list[Order]]) -> Trainer:
        built = build(ModelSpec("lepton_glyphs"), classes=data.classes, seed=42)
        plan = decide_rest(spec, count=len(data.train), pretrained=True)
        control = Control(replay=orders)
        return Trainer(
            built, data, spec, plan, Bus(), control, tmp_path / folder, "image-classification"
        )

    anew = {2: [Order("plan", {"steps": 13})], 5: [Order("plan", {"steps": 7})]}
    straight = trainer("a", anew)
    assert train(straight) == "done"
    stopped = trainer("b", {**anew, 6: [Order("stop")]})
    assert train(stopped) == "stopped"
    stopped.saver.close()
    resumed = trainer("b", {})
    resumed.restore(checkpoint.newest(tmp_path / "b")[0])
    assert train(resumed) == "done"
    assert straight.step == resumed.step == 7
    a, b = straight.module.state_dict(), resumed.module.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_run_that_was_stopped_goes_on_with_what_was_left_and_can_be_repeated(
    slowed: dict[str, Any],
) -> None:
    options = {"batch_size": 8, "device": "cpu", "learning_rate": 1e-3}
    run = lab.train("lepton_glyphs", slowed["data"], budget=4, background=True, **options)
    time.sleep(1.5)
    run.stop().wait()
    before = run.record["step"]
    time.sleep(2.0)
    begun = time.monotonic()
    run = lab.resume(run.name)
    assert time.monotonic() - begun < 2 * 4
    assert run.state == "done"
    assert run.record["step"] > before
    again = lab.reproduce(run)
    a, b = weights(run), weights(again)
    assert all(torch.equal(a[name], b[name]) for name in a)
