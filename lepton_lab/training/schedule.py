# SPDX-License-Identifier: BSD-3-Clause
"""The learning rate as a pure function of the step, so that nothing about it has to be saved."""

from __future__ import annotations

import math

FLOOR = 0.0


def factor(step: int, total: int, schedule: str, warmup: float) -> float:
    """The share of the peak learning rate at a step.

    Args:
        step: Optimizer steps already taken, from 0.
        total: Steps of the whole run.
        schedule: cosine (arXiv 1608.03983), linear, onecycle (arXiv 1708.07120), polynomial (power 2),
            step (a tenth after 60 %, a hundredth after 85 %) or constant.
        warmup: Share of the steps in which the rate rises in a line (onecycle: in a cosine).

    >>> [round(factor(s, 10, "cosine", 0.2), 2) for s in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    rising = round(total * warmup)
    if step < rising:
        part = (step + 1) / rising
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
