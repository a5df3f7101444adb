# SPDX-License-Identifier: BSD-3-Clause
"""What a time budget makes of a model before a run: smaller images only when they help, never when one was asked for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.spec import TrainSpec
from lepton_lab.training.pace import Pace
from lepton_lab.training.plan import decide
from lepton_lab.workbench.budgeting import Planning


@dataclass
class Model:
    """As much of a built model as the planning looks at."""

    side: int
    preprocessing: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.preprocessing = {"crop": {"size": [self.side, self.side]}}


def chosen(seconds: float, step: Any, refused: tuple[int, ...] = (), asked: bool = False) -> Any:
    """The side that is trained with, and the plan of 20 steps an epoch, when a step takes `step(side)` seconds."""

    def measure(model: Any, limit: float) -> Pace:
        return Pace(step(model.side), step(model.side), step(model.side))

    def rebuild(side: int) -> Any:
        if side in refused:
            raise LeptonError("not this size")
        return Model(side)

    planning = Planning(
        seconds, f"{seconds:g}s", time.monotonic(), None, measure, None if asked else rebuild
    )
    plan = decide(TrainSpec(device="cpu", batch_size=8), count=160, pretrained=True)
    model, plan = planning.decide(Model(224), plan)  # type: ignore[arg-type]
    return model.side, plan  # type: ignore[attr-defined]


def by_pixels(side: int) -> float:
    return (side / 224) ** 2


def test_images_stay_as_they_are_when_a_few_epochs_fit() -> None:
    side, plan = chosen(100, by_pixels)
    assert (side, plan.epochs) == (224, 4)
    assert "image_size" not in plan.reasons


def test_images_become_as_small_as_a_few_epochs_need_and_the_plan_says_so() -> None:
    side, plan = chosen(50, by_pixels)
    assert (side, plan.epochs) == (192, 3)
    assert plan.reasons["image_size"].startswith("192 pixels instead of 224")


def test_a_size_that_the_model_cannot_take_is_passed_over_and_none_lies_under_half() -> None:
    assert chosen(50, by_pixels, refused=(192,))[0] == 160
    assert chosen(8, by_pixels)[0] == 128


def test_smaller_images_that_are_no_faster_are_not_taken() -> None:
    side, plan = chosen(50, lambda side: 1.0)
    assert (side, plan.epochs) == (224, 2)


def test_a_size_that_was_asked_for_stays() -> None:
    assert chosen(30, by_pixels, asked=True)[0] == 224


@pytest.mark.parametrize("budget", ["30s", 30])
def test_the_epochs_of_a_run_are_capped_by_those_asked_for_and_the_run_records_why(
    flowers: Path, budget: Any
) -> None:
    run = lab.train("lepton_glyphs", lab.data(flowers), epochs=1, budget=budget, device="cpu")
    assert run.record["plan"]["epochs"] == 1
    assert run.record["spec"]["train"]["budget"] == budget
    assert run.record["plan"]["reasons"]["epochs"].startswith("budget 30s: 1 epoch of")
    child = run.branch(epochs=2, background=True, budget="20s").wait()
    assert child.state == "done"
    assert child.record["plan"]["time"]["seconds"] == 20
