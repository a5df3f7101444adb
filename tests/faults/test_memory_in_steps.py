# SPDX-License-Identifier: BSD-3-Clause
"""A full memory where a step changes weights: a step that may be half taken is taken back, and done again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

import lepton_lab as lab
from lepton_lab.charts import History
from lepton_lab.errors import LeptonError
from lepton_lab.events import Alert, Controlled, StepDone
from lepton_lab.training import checkpoint, trainer
from lepton_lab.training.ema import WeightAverage
from lepton_lab.training.precision import Precision
from tests.faults.conftest import Tally
from tests.faults.steps import PLAIN, after_steps, difference, weights

OPTIONS = {
    **PLAIN, "optimizer": "sgd", "freeze": "backbone", "workers": 0, "ema": 0.9, "mixup": 0.2,
    "checkpoint_every": 3,
}  # fmt: skip
STEPS = 8


def full_memory() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory (injected)")


@contextmanager
def on_call(owner: Any, name: str, number: int, spoil: Callable[..., Any]) -> Iterator[None]:
    """Let call `number` (from 0) of a method go to `spoil`, which gets the original first."""
    original, calls = getattr(owner, name), iter(range(10**6))

    def counted(*given: Any, **named: Any) -> Any:
        return (
            spoil(original, *given, **named) if next(calls) == number else original(*given, **named)
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, counted)
        yield


def half_stepped(step: Any, optimizer: torch.optim.Optimizer, *given: Any) -> None:
    """The state is made and half of the weights have moved when the memory is full."""
    step(optimizer, *given)
    for group in optimizer.param_groups:
        for parameter in group["params"][::2]:
            parameter.data.add_(0.5)
    full_memory()


def half_averaged(update: Any, average: WeightAverage, *given: Any) -> None:
    for value in list(average.state.values())[::2]:
        value.zero_()
    full_memory()


def before(original: Any, *given: Any, **named: Any) -> None:
    full_memory()


def half_clipped(step: Any, precision: Any, optimizer: Any, parameters: Any, clip: float) -> None:
    for parameter in parameters[::2]:
        parameter.grad.mul_(0.1)
    full_memory()


PLACES: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "optimizer's step": (torch.optim.SGD, "step", half_stepped),
    "clipping": (Precision, "step", half_clipped),
    "weight average": (WeightAverage, "update", half_averaged),
}


@pytest.fixture(scope="module")
def plain(images: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(tmp_path_factory.mktemp("plain")))
        patch.setenv("LEPTON_DISPLAY", "silent")
        return weights(lab.train("lepton_glyphs", lab.data(images), **OPTIONS))


@pytest.mark.parametrize("place", PLACES)
def test_a_half_taken_step_is_taken_back_and_done_again(
    images: Path, plain: dict[str, Any], full: bool, tally: Tally, own_runs: Path, place: str
) -> None:
    owner, name, spoil = PLACES[place]
    for call in random.Random(place).sample(range(STEPS), STEPS if full else 1):
        with on_call(owner, name, call, spoil):
            run = lab.train("lepton_glyphs", lab.data(images), **OPTIONS)
        (own_runs / "safe-batch.json").unlink()
        apart = difference(plain, weights(run))
        events = run.events
        back = [e for e in events if isinstance(e, Controlled) and e.action == "rollback"]
        told = [e for e in events if isinstance(e, Alert) and "4 x 2" in e.message]
        about = f"call {call}: {apart} apart, {back}"
        passed = run.state == "done" and len(back) == len(told) == 1 and apart < 1e-5
        tally(f"memory full in the {place}", passed, about)
        kept = call // 3 * 3 if call < 4 else 4 if call < 6 else 6
        tally(
            f"memory full in the {place}: from the newest checkpoint", back[0].step == kept, about
        )
        drawn = History.from_events(events).snapshot().column("step").tolist()
        tally(
            f"memory full in the {place}: journal", drawn == list(range(1, STEPS + 1)), str(drawn)
        )
    tally.check()


def test_the_first_step_of_adam_is_taken_back_to_the_last_bit(
    images: Path, tally: Tally, own_runs: Path
) -> None:
    """A run that began with the smaller micro-batch ends with the same bits: nothing of the half step is left."""
    options = {**OPTIONS, "optimizer": "adamw", "freeze": "none"}
    with on_call(torch.optim.AdamW, "step", 0, half_stepped):
        run = lab.train("lepton_glyphs", lab.data(images), **options)
    (own_runs / "safe-batch.json").unlink()
    parts = lab.train("lepton_glyphs", lab.data(images), **options, accumulate=2)
    apart = difference(weights(parts), weights(run))
    tally("memory full in Adam's first step", run.state == "done" and apart == 0, f"{apart} apart")
    tally.check()


def test_orders_between_the_checkpoint_and_the_full_memory_are_obeyed_again(
    images: Path, tally: Tally, own_runs: Path
) -> None:
    """They are journaled again too, and the run repeats to the bit where no memory is full."""
    orders = {
        4: lambda t: t.control.give("set", learning_rate=3e-4),
        5: lambda t: t.control.give("set", weight_decay=0.3),
    }

    def train() -> Any:
        with pytest.MonkeyPatch.context() as patch:
            after_steps(patch, orders)
            return lab.train("lepton_glyphs", lab.data(images), **OPTIONS)

    undisturbed = weights(train())
    with on_call(torch.optim.SGD, "step", 5, half_stepped):
        run = train()
    sets = [e.step for e in run.events if isinstance(e, Controlled) and e.action == "set"]
    apart = difference(undisturbed, weights(run))
    tally("memory full after orders", sets[:2] == [4, 5] and apart < 1e-5, f"{sets}, {apart} apart")
    again = difference(weights(lab.reproduce(run)), weights(run))
    tally("memory full, repeated", again == 0, f"{again} apart")
    tally.check()


def test_a_memory_that_is_always_full_in_the_step_ends_with_its_reason(
    images: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.optim.SGD, "step", lambda *given: full_memory())
    with pytest.raises(LeptonError, match="single sample") as caught:
        lab.train("lepton_glyphs", lab.data(images), **OPTIONS)
    about = str(caught.value)
    tally("memory always full in the optimizer's step", len(about.split("\n")) == 3, about)
    tally.check()


def test_a_branch_has_a_checkpoint_of_its_own_to_go_back_to(images: Path, tally: Tally) -> None:
    parent = lab.train("lepton_glyphs", lab.data(images), **OPTIONS)
    undisturbed = weights(parent.branch(step=4))
    with on_call(torch.optim.SGD, "step", 1, half_stepped):
        run = parent.branch(step=4)
    back = [e.step for e in run.events if isinstance(e, Controlled) and e.action == "rollback"]
    apart = difference(undisturbed, weights(run))
    tally("memory full in a branch", back == [4] and apart < 1e-5, f"{back}, {apart} apart")
    tally.check()


def test_a_full_memory_while_a_checkpoint_is_copied_costs_that_checkpoint_only(
    images: Path, plain: dict[str, Any], full: bool, tally: Tally
) -> None:
    for call in random.Random(4).sample(range(5), 5 if full else 1):
        with on_call(trainer, "copy_of", call, before):
            run = lab.train("lepton_glyphs", lab.data(images), **{**OPTIONS, "keep_best": False})
        numbers = [e.step for e in run.events if isinstance(e, StepDone)]
        told = [e for e in run.events if isinstance(e, Alert) and "no checkpoint" in e.message]
        kept = checkpoint.newest(run.folder.checkpoints)
        passed = run.state == "done" and numbers == list(range(1, STEPS + 1))
        about = f"call {call}: {numbers}"
        tally("memory full in a checkpoint", passed and len(told) == 1 and bool(kept), about)
    tally.check()
