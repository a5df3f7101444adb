# SPDX-License-Identifier: BSD-3-Clause
"""Runs that never took place, event by event."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from lepton_lab.events import Evaluated, Event, RunEnded, RunStarted, Saved, StepDone


def run(
    epochs: int = 5,
    per_epoch: int = 20,
    nan: tuple[int, ...] = (),
    name: str = "pets-3",
    metric: str = "accuracy",
) -> list[Event]:
    """A whole run: steps of 0.1 s, one second of evaluation after each epoch."""
    now, steps = 1000.0, epochs * per_epoch
    events: list[Event] = [
        RunStarted(
            name,
            "resnet18",
            "pets",
            "image-classification",
            metric,
            epochs,
            per_epoch,
            device="cpu",
            time=now,
        )
    ]
    for step in range(1, steps + 1):
        now += 0.1
        epoch = (step - 1) // per_epoch + 1
        loss = math.nan if step in nan else 1 / step + 0.1 * math.sin(step)
        events.append(
            StepDone(step, epoch, loss, 1e-3 * 0.999**step, 60 + step % 7, 2_000_000_000, time=now)
        )
        if step % per_epoch == 0:
            now += 1
            values = {"loss": 2 / step, metric: 1 - 1 / step}
            events.append(Evaluated(step, epoch, "val", values, best=True, time=now))
            events.append(Saved(step, epoch, f"checkpoints/step-{step}", True, time=now))
    return [
        *events,
        RunEnded(steps, epochs, "done", now - 1000, best={metric: 1 - 1 / steps}, time=now),
    ]


@pytest.fixture
def make_run() -> Callable[..., list[Event]]:
    """The function that makes the events of a run."""
    return run
