# SPDX-License-Identifier: BSD-3-Clause
"""What a time budget decides before a run: its epochs and, when few would fit, the size of its images."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.durations import seconds
from lepton_lab.errors import LeptonError
from lepton_lab.journal import runs_root
from lepton_lab.spec import ModelSpec, TrainSpec
from lepton_lab.training import Plan

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset
    from lepton_lab.training.pace import Pace
    from lepton_lab.workbench.model import LeptonModel

ENOUGH = 3
STEP = 32
GAIN = 1.15
SHARE = 0.03
MEASURES = (1.0, 15.0)


@dataclass
class Planning:
    """How the time of one run is planned.

    Attributes:
        seconds: The budget.
        asked: The budget as it was asked for.
        began: When the user asked, on the monotonic clock: preparing counts.
        most: Epochs that are not to be exceeded; None where none were asked for.
        measure: (built, seconds that it may take) -> the pace.
        rebuild: Image size -> the model with it; None keeps the size that was asked for.
    """

    seconds: float
    asked: str
    began: float
    most: int | None
    measure: Callable[[BuiltModel, float], Pace]
    rebuild: Callable[[int], BuiltModel] | None = None

    def decide(self, built: BuiltModel, plan: Plan) -> tuple[BuiltModel, Plan]:
        """The model to train, perhaps with smaller images, and the plan with its epochs.

        Raises:
            LeptonError: Not even a handful of steps fit.
        """
        from lepton_lab.training.budget import decide

        built, pace, smaller = self._smaller(built, plan, self._measured(built))
        plan = decide(plan, pace, self._left, asked=self.asked, most=self.most)
        reasons = {"image_size": smaller} if smaller else {}
        return built, replace(plan, reasons={**plan.reasons, **reasons})

    @property
    def _left(self) -> float:
        return self.seconds - (time.monotonic() - self.began)

    def _measured(self, built: BuiltModel) -> Pace:
        low, high = MEASURES
        return self.measure(built, min(max(SHARE * self.seconds, min(low, self._left / 10)), high))

    def _smaller(self, built: BuiltModel, plan: Plan, pace: Pace) -> tuple[BuiltModel, Pace, str]:
        """The model with images so small that a few epochs fit, when that makes it faster."""
        size = _side(built)
        wanted = min(ENOUGH, self.most or ENOUGH)
        fits = self._epochs(pace, plan)
        if self.rebuild is None or size is None or fits >= wanted:
            return built, pace, ""
        for side in sizes(size, (fits / wanted) ** 0.5):
            try:
                other = self.rebuild(side)
            except LeptonError:
                continue
            found = self._measured(other)
            if found.step * GAIN > pace.step:
                break
            why = f"{side} pixels instead of {size}: at {size} only {fits:.1f} epochs fit the budget {self.asked}"
            return other, found, why
        return built, pace, ""

    def _epochs(self, pace: Pace, plan: Plan) -> float:
        one = plan.steps_per_epoch * pace.step + pace.epoch
        return max(self._left - pace.end, 0.0) / one


def sizes(side: int, share: float) -> list[int]:
    """Image sizes to try: the largest first that is at most `share` of the side, never under half of it.

    >>> sizes(224, 0.8), sizes(224, 0.1), sizes(48, 0.5), sizes(28, 0.5)
    ([160, 128, 192], [128, 160, 192], [32], [])
    """
    fair = [s for s in range(STEP, side, STEP) if 2 * s >= side]
    target = max(share * side, min(fair, default=0))
    return sorted(fair, key=lambda s: (s > target, abs(s - target)))


def within_budget(
    model: LeptonModel,
    built: BuiltModel,
    data: Dataset,
    spec: TrainSpec,
    plan: Plan,
    began: float,
    most: int | None,
) -> tuple[BuiltModel, ModelSpec, Plan]:
    """Model, its spec and plan as the time budget wants them; images become smaller only where no size was asked for.

    Args:
        model: What was asked for.
        built: Its module, with the head for the data's classes.
        data: The data set.
        spec: What was asked for, with a budget.
        plan: What was decided apart from the epochs.
        began: When the user asked, on the monotonic clock.
        most: Epochs that were asked for, if any.
    """
    from lepton_lab.catalog import build
    from lepton_lab.training.pace import measure

    def pace(one: BuiltModel, limit: float) -> Pace:
        folder = existing_folder()
        return measure(one, data, spec, plan, model.task, folder=folder, limit=limit)

    def rebuild(side: int) -> BuiltModel:
        return build(replace(model.spec, image_size=side), classes=data.classes, seed=spec.seed)

    free = model._run is None and model.spec.image_size is None
    asked = str(spec.budget) if isinstance(spec.budget, str) else f"{spec.budget:g}s"
    planning = Planning(seconds(asked), asked, began, most, pace, rebuild if free else None)
    chosen, plan = planning.decide(built, plan)
    size = model.spec.image_size if chosen is built else _side(chosen)
    return chosen, replace(model.spec, image_size=size), plan


def in_time(plan: Plan, budget: float, longest: int | None) -> Plan:
    """A plan that was decided, with a budget whose pace is learned while it trains.

    Args:
        plan: The plan of the run that a child goes on from.
        budget: Seconds; 0 is none.
        longest: Steps that are not to be exceeded; None where no epochs were asked for.
    """
    from lepton_lab.training.budget import MOST_EPOCHS

    if not budget:
        return plan
    longest = longest or MOST_EPOCHS * plan.steps_per_epoch
    pace = {"step": 0.0, "low": 0.0, "high": 0.0}
    return replace(plan, time={"seconds": budget, "steps": longest, "pace": pace})


def existing_folder() -> Path:
    """A folder on the disk that runs are kept on."""
    root = runs_root()
    return next(path for path in (root, *root.parents) if path.is_dir())


def _side(built: BuiltModel) -> int | None:
    """The side of the model's square images."""
    crop: dict[str, Any] = built.preprocessing.get("crop") or {}
    size = crop.get("size") or [0]
    return int(size[0]) if size[0] and size[0] == size[-1] else None
