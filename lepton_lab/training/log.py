# SPDX-License-Identifier: BSD-3-Clause
"""Losses on their way from the device to the bus.

Reading a number off a GPU waits for it. So the losses of several steps stay on the device and are read
together, a few times a second; each step still gets its own event.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import psutil
import torch

from lepton_lab.events import Bus, StepDone
from lepton_lab.training.divergence import LossWatch
from lepton_lab.training.recover import DivergedError, NotFiniteError

INTERVAL = 0.2
_THIS = psutil.Process()


class StepLog:
    """Collects the losses of steps and emits them as events.

    Args:
        bus: Where the events go.
        device: Where the losses are.
        batch_size: Samples per step, for the rate.
        guess: The loss of a model that knows nothing; 0 where none is known.
    """

    def __init__(self, bus: Bus, device: torch.device, batch_size: int, guess: float = 0.0) -> None:
        self.bus, self.device, self.batch_size = bus, device, batch_size
        self.watch = LossWatch(guess)
        self._loss: torch.Tensor | None = None
        self._waiting: list[tuple[StepDone, Sequence[str], torch.Tensor, torch.Tensor]] = []
        self.samples: Sequence[str] = ()
        self.restart()

    def restart(self) -> None:
        """Begin a new interval: time spent elsewhere (evaluation, a pause) does not count into the rate."""
        self._since = time.perf_counter()

    def add(self, loss: torch.Tensor) -> None:
        """Add the weighted loss of a micro-batch to the step under way."""
        loss = loss.detach()
        self._loss = loss if self._loss is None else self._loss + loss

    def drop_step(self) -> None:
        """Forget the step under way: it is done again."""
        self._loss = None

    def clear(self) -> None:
        """Forget everything that waits: the steps are done again."""
        self._loss = None
        self._waiting.clear()

    def end_step(
        self,
        step: int,
        epoch: int,
        learning_rate: float,
        samples: Sequence[str],
        norm: torch.Tensor | None = None,
    ) -> None:
        """The step is complete; emit what waits when the interval is over.

        Args:
            step: Optimizer steps taken.
            epoch: The epoch, from 1.
            learning_rate: The rate of the step.
            samples: Names of the samples in its batch.
            norm: The norm of its gradient, where it is known and has to be finite.

        Raises:
            NotFiniteError: As `flush`.
        """
        self.samples = samples
        if self._loss is not None:
            event = StepDone(step, epoch, 0.0, learning_rate, 0.0)
            checked = self._loss if norm is None else norm.to(self._loss)
            self._waiting.append((event, samples, self._loss, checked))
            self._loss = None
        if time.perf_counter() - self._since >= INTERVAL:
            self.flush()

    def flush(self) -> None:
        """Emit all waiting steps.

        Raises:
            NotFiniteError: A loss or a gradient is no number, or the loss diverged; steps up to it were emitted.
        """
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        numbers = torch.stack([value for *_, loss, norm in waiting for value in (loss, norm)])
        pairs = numbers.view(-1, 2).tolist()
        rate = len(waiting) * self.batch_size / max(time.perf_counter() - self._since, 1e-9)
        memory = self._memory()
        for (event, samples, *_), (loss, norm) in zip(waiting, pairs, strict=True):
            self.bus.emit(replace(event, loss=loss, samples_per_second=rate, memory=memory))
            if not math.isfinite(loss):
                raise NotFiniteError(event.step, loss, samples)
            if not math.isfinite(norm):
                raise NotFiniteError(event.step, norm, samples, "gradient")
            if self.watch.diverged(loss):
                raise DivergedError(event.step, loss, samples)
        self.restart()

    def _memory(self) -> int:
        if self.device.type == "cuda":
            return int(torch.cuda.memory_allocated(self.device))
        return int(_THIS.memory_info().rss)
