# SPDX-License-Identifier: BSD-3-Clause
"""A loss that is no number at any step: one step back, the samples named, nothing of it kept or drawn."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
import torch

import lepton_lab as lab
from lepton_lab.charts import History
from lepton_lab.events import Alert, Controlled, Evaluated, StepDone
from lepton_lab.training import checkpoint
from tests.faults.conftest import Tally
from tests.faults.steps import PLAIN, change_loss, weights

STEPS = 8


def spoil(kind: str, number: int, named: list[list[str]]) -> Any:
    def change(call: int, batch: Any, loss: Any) -> Any:
        value = loss()
        if call == number:
            named.append(list(batch.ids))
            if kind == "gradient":
                value.register_hook(lambda gradient: gradient * float("inf"))
            else:
                value = value * float(kind)
        return value

    return change


def kept_finite(run: Any) -> bool:
    """All weights of all checkpoints are numbers."""
    for path in checkpoint.newest(run.folder.checkpoints):
        for tree in ("model", "optimizer"):
            table = checkpoint.tensors(path, tree).values()
            if not all(bool(torch.isfinite(value).all()) for value in table):
                return False
    return True


def never_zero(events: list[Any], broken: int) -> bool:
    """No chart, drawn after any event, has a zero where the loss was no number."""
    history = History()
    for event in events:
        history.add(event)
        seen = history.snapshot()
        if (seen.column("loss") == 0).any() or not math.isfinite(sum(seen.best.values())):
            return False
    return broken in history.snapshot().broken


@pytest.mark.parametrize("kind", ["nan", "inf"])
def test_one_loss_that_is_no_number_goes_back_once_and_leaves_nothing_behind(
    images: Path, full: bool, tally: Tally, kind: str
) -> None:
    for call in random.Random(kind).sample(range(STEPS), STEPS if full else 1):
        named: list[list[str]] = []
        with pytest.MonkeyPatch.context() as patch:
            change_loss(patch, spoil(kind, call, named))
            run = lab.train("lepton_glyphs", lab.data(images), **PLAIN)
        events, step = run.events, call + 1
        back = [e for e in events if isinstance(e, Controlled) and e.action == "rollback"]
        best = [e.step for e in events if isinstance(e, Evaluated) and e.best]
        about = f"at step {step}: {back} {best}"
        tally(
            f"loss {kind}: one step back",
            run.state == "done" and len(back) == 1 and back[0].values["from"] == step,
            about,
        )
        tally(f"loss {kind}: samples named", back[0].values["samples"] == named[0], about)
        told = [e for e in events if isinstance(e, Alert) and named[0][0] in e.message]
        tally(f"loss {kind}: told", len(told) == 1, about)
        tally(f"loss {kind}: never kept", kept_finite(run), about)
        clean = all(bool(torch.isfinite(v).all()) for v in weights(run).values())
        tally(f"loss {kind}: never best", clean and bool(best), about)
        tally(f"loss {kind}: never drawn as 0", never_zero(events, step), about)
        steps = sorted({e.step for e in events if isinstance(e, StepDone)})
        tally(f"loss {kind}: all steps done", steps == list(range(1, STEPS + 1)), str(steps))
    tally.check()


def test_a_gradient_that_is_no_number_is_seen_by_its_own_batch(
    images: Path, full: bool, tally: Tally
) -> None:
    """The loss of that step is still a number; the weights after it are not."""
    for call in random.Random(5).sample(range(STEPS), STEPS if full else 1):
        named: list[list[str]] = []
        with pytest.MonkeyPatch.context() as patch:
            change_loss(patch, spoil("gradient", call, named))
            run = lab.train("lepton_glyphs", lab.data(images), **PLAIN)
        back = [e for e in run.events if isinstance(e, Controlled) and e.action == "rollback"]
        about = f"at step {call + 1}: {back}"
        passed = run.state == "done" and len(back) == 1 and kept_finite(run)
        tally("gradient inf: one step back, never kept", passed, about)
        passed = len(back) == 1 and back[0].values["samples"] == named[0]
        tally("gradient inf: samples named", passed, about)
    tally.check()
