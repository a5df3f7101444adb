# SPDX-License-Identifier: BSD-3-Clause
"""The learning rate as a pure function of the step, so that nothing about it has to be saved.

A run whose number of steps changes on the way keeps the changes: a schedule that is made longer or
shorter goes on from where it is and ends where it would have ended.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

FLOOR = 0.0


@dataclass(frozen=True)
class Course:
    """How many steps a run takes, and where each lies in the schedule that it was planned with.

    Places are exact fractions, so that a change to the number that holds already changes no bit.

    Attributes:
        planned: Steps that the schedule was made for.
        changes: (step, total) of each change, in order: after `step` steps the run was to take `total`.

    >>> course = Course(100).changed(50, 60)
    >>> [float(course.place(step)) for step in (50, 55, 60)]
    [50.0, 75.0, 100.0]
    """

    planned: int
    changes: tuple[tuple[int, int], ...] = ()

    @property
    def total(self) -> int:
        """Steps that the run takes."""
        return self.changes[-1][1] if self.changes else self.planned

    def place(self, step: int) -> Fraction:
        """The step of the planned schedule that a step of the run stands for, from the last change on."""
        since, total, done = 0, self.planned, Fraction(0)
        for at, changed in self.changes:
            done += (self.planned - done) * Fraction(at - since, total - since)
            since, total = at, changed
        return done + (self.planned - done) * Fraction(step - since, max(total - since, 1))

    def changed(self, step: int, total: int) -> Course:
        """The course with another number of steps, from `step` on."""
        return replace(self, changes=(*self.changes, (step, total)))


def factor(step: float, total: int, schedule: str, warmup: float) -> float:
    """The share of the peak learning rate at a step.

    Args:
        step: Optimizer steps already taken, from 0; between two of them in a schedule that was changed.
        total: Steps of the whole run.
        schedule: cosine (arXiv 1608.03983), linear, onecycle (arXiv 1708.07120), polynomial (power 2),
            step (a tenth after 60 %, a hundredth after 85 %) or constant.
        warmup: Share of the steps in which the rate rises in a line (onecycle: in a cosine).

    >>> [round(factor(s, 10, "cosine", 0.2), 2) for s in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    rising = round(total * warmup)
    if step < rising:
        part = min((step + 1) / rising, 1.0)
        return (1 - math.cos(math.pi * part)) / 2 if schedule == "onecycle" else part
    part = min((step - rising) / max(total - rising, 1), 1.0)
    if schedule in ("cosine", "onecycle"):
        return FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * part)) / 2
    if schedule == "linear":
        return 1 - part
    if schedule == "polynomial":
        return (1 - part) ** 2
    if schedule == "step":
        return 1.0 if part < 0.6 else 0.1 if part < 0.85 else 0.01
    return 1.0
