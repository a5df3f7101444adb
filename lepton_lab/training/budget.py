# SPDX-License-Identifier: BSD-3-Clause
"""A time budget: as many epochs as fit, and a run that ends on time whatever its pace becomes.

Before the first step the epochs are decided from a measured pace. While the run trains, the pace is
followed, and when the forecast leaves the budget an order gives the run another number of steps; its
schedule then goes on from where it is to its end. Time in which the run is paused does not count.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING

from lepton_lab.errors import LeptonError
from lepton_lab.events import Alert
from lepton_lab.rendering import duration
from lepton_lab.training.pace import Pace
from lepton_lab.training.plan import Plan

if TYPE_CHECKING:
    from lepton_lab.training.trainer import Trainer

RESERVE = 0.03
FEWEST = 5
MOST_EPOCHS = 10_000
WINDOW = 0.05
GROWS_UNTIL = 0.8
TICK = 1e-9


def fitting(seconds: float, pace: Pace, steps_per_epoch: int, step: int = 0) -> int:
    """How many steps the whole run may have when `seconds` are left after `step` of them.

    An epoch that is cut short is evaluated like a whole one.

    >>> fitting(100.0, Pace(1.0, 1.0, 1.0, epoch=5.0, end=10.0), 20), fitting(30.0, Pace(1.0, 1.0, 1.0), 20, 70)
    (70, 100)
    """
    into = step % steps_per_epoch
    left = seconds - pace.end + into * pace.step
    one = max(steps_per_epoch * pace.step + pace.epoch, TICK)
    whole = math.floor(left / one)
    rest = left - whole * one - pace.epoch
    extra = min(max(math.floor(rest / max(pace.step, TICK)), 0), steps_per_epoch - 1)
    return max(step - into + whole * steps_per_epoch + extra, step)


def decide(plan: Plan, pace: Pace, seconds: float, *, asked: str, most: int | None = None) -> Plan:
    """The plan with as many whole epochs as fit, or with a part of one.

    Args:
        plan: The plan; its epochs are not looked at.
        pace: What was measured.
        seconds: What is left of the budget.
        asked: The budget as it was asked for, for messages.
        most: Epochs that are not to be exceeded.

    Raises:
        LeptonError: Not even a handful of steps fit.
    """
    per_epoch = plan.steps_per_epoch
    longest = (most or MOST_EPOCHS) * per_epoch
    total = min(fitting(seconds * (1 - RESERVE), pace, per_epoch), longest)
    if total < min(FEWEST, longest):
        needed = pace.seconds(per_epoch, 1) + 10
        raise LeptonError(
            f"A budget of {asked} is too short: not even {FEWEST} steps fit.",
            f"Left after preparing: {duration(max(seconds, 0.0))}. A step takes {duration(pace.step)}, "
            f"evaluating and saving {duration(pace.epoch + pace.end)}.",
            f"--budget={math.ceil(needed / 60)}m",
        )
    epochs = total // per_epoch
    plan = replace(plan, epochs=max(epochs, 1), steps_at_most=0 if epochs else total)
    one = per_epoch * pace.step + pace.epoch
    what = (
        f"{epochs} epoch{'s' * (epochs != 1)} of {duration(one)}"
        if epochs
        else f"{total} of the {per_epoch} steps of an epoch, which takes {duration(one)}"
    )
    why = f"budget {asked}: {what}, {expected(pace, plan.steps, plan.epochs, seconds)}"
    return replace(
        plan,
        reasons={**plan.reasons, "epochs": why},
        time={"seconds": seconds, "steps": longest, "pace": asdict(pace)},
    )


def expected(pace: Pace, steps: int, epochs: int, left: float) -> str:
    """The expected end of what is still to do, with a range, by the clock on the wall.

    Args:
        pace: What was measured.
        steps: Steps to come.
        epochs: Ends of epochs to come.
        left: Seconds of the budget; a slower run is cut short to end within them.
    """
    middle, low, high = (
        replace(pace, step=step).seconds(steps, epochs) for step in (pace.step, pace.low, pace.high)
    )
    form = "%H:%M:%S" if left < 600 else "%H:%M"
    now = time.time()
    end, first, last = (
        datetime.fromtimestamp(now + seconds).astimezone().strftime(form)
        for seconds in (middle, min(low, middle), max(min(high, left), middle))
    )
    return f"expected end {end}, between {first} and {last}"


class Budget:
    """Follows the pace of one run and orders another number of steps when it would end at another time.

    Args:
        plan: A plan with a time.
        clock: Seconds that never go back.
    """

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        facts = plan.time or {}
        self.seconds: float = facts["seconds"]
        self.longest: int = facts["steps"]
        self.pace = Pace(**facts["pace"])
        self.per_epoch = plan.steps_per_epoch
        self._clock = clock
        self._begun = clock()
        self._idle = 0.0
        self._paused: float | None = None
        self._since: float | None = None
        self._seen = 0
        self._steps: deque[float] = deque()
        self._ordered = (0, -math.inf)
        self._told = 0

    @property
    def spent(self) -> float:
        """Seconds of the budget that are over."""
        now = self._clock() if self._paused is None else self._paused
        return now - self._begun - self._idle

    @property
    def left(self) -> float:
        """Seconds of the budget that are still to come."""
        return self.seconds - self.spent

    def go_on(self, spent: float) -> None:
        """The run was resumed: so much was spent when its checkpoint was saved."""
        if not self._seen:
            self._begun -= spent

    def pause(self, paused: bool) -> None:
        """The run rests from now on, or no longer."""
        if paused and self._paused is None:
            self._paused = self._clock()
        elif not paused and self._paused is not None:
            self._idle += self._clock() - self._paused
            self._paused = None

    def look(self, trainer: Trainer) -> None:
        """Between two steps, before the orders are taken: learn how long the last one took, plan again."""
        self._learn(trainer.step)
        total = trainer.steps
        if self._ordered[0] == total:
            total = self.wanted(
                trainer.step, total, float(trainer.course.place(trainer.step)) / trainer.plan.steps
            )
        if self._ordered[0] != total:
            self._ordered = (total, self.spent)
            self._tell(trainer, total)
            trainer.control.give("plan", steps=total)

    def mark(self) -> None:
        """The orders are carried out and the next step begins."""
        self._since = self._clock()

    def wanted(self, step: int, total: int, done: float) -> int:
        """The number of steps that the run should have.

        Args:
            step: Steps taken.
            total: Steps that it has now.
            done: Share of the schedule that is over.
        """
        reserve = RESERVE * self.seconds
        if len(self._steps) < FEWEST or self.spent - self._ordered[1] < reserve / 3:
            return total
        fits = fitting(self.left - reserve, self.pace, self.per_epoch, step)
        if self.pace.seconds(total - step, self._ends(step, total)) > self.left - reserve / 3:
            return min(total, max(fits, step + FEWEST))
        whole = min(fits // self.per_epoch * self.per_epoch, self.longest)
        grows = done < GROWS_UNTIL and whole - total > RESERVE * total
        return whole if grows else total

    def _ends(self, step: int, total: int) -> int:
        """Ends of epochs that are still to come."""
        return math.ceil(total / self.per_epoch) - step // self.per_epoch

    def _learn(self, step: int) -> None:
        self._seen += 1
        if self._since is None or self._seen <= 2:
            return
        seconds = self._clock() - self._since
        if step % self.per_epoch == 0:
            self.pace = replace(self.pace, epoch=max(seconds - self.pace.step, 0.0))
            if self.per_epoch > FEWEST:
                return
            seconds = self.pace.step
        self._steps.append(seconds)
        window = max(1.0, WINDOW * self.seconds)
        while len(self._steps) > FEWEST and sum(self._steps) > window:
            self._steps.popleft()
        if len(self._steps) >= FEWEST:
            self.pace = self.pace.with_steps(self._steps)

    def _tell(self, trainer: Trainer, total: int) -> None:
        """Say when the run will end: at its start, and when that became quite another number of steps."""
        if abs(total - self._told) <= 0.1 * self._told or not self.pace.step:
            return
        first, self._told = not self._told, total
        steps, ends = total - trainer.step, self._ends(trainer.step, total)
        what = (
            f"Time budget: {steps} steps to go"
            if first
            else f"The pace changed: {total} steps in all"
        )
        end = expected(self.pace, steps, ends, self.left)
        trainer.bus.emit(Alert(trainer.step, "info", f"{what}, {end}."))
