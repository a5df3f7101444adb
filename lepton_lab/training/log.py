# SPDX-License-Identifier: BSD-3-Clause
"""Losses on their way from the device to the bus.

Reading a number off a GPU waits for it. So the losses of several steps stay on the device and are read
together, a few times a second; each step still gets its own event.
"""

from __future__ import annotations

import time

import psutil
import torch

from lepton_lab.events import Bus, StepDone

INTERVAL = 0.2
_THIS = psutil.Process()


class StepLog:
    """Collects the losses of steps and emits them as events.

    Args:
        bus: Where the events go.
        device: Where the losses are.
        batch_size: Samples per step, for the rate.
    """

    def __init__(self, bus: Bus, device: torch.device, batch_size: int) -> None:
        self.bus, self.device, self.batch_size = bus, device, batch_size
        self._loss: torch.Tensor | None = None
        self._waiting: list[tuple[int, int, float, float, torch.Tensor]] = []
        self.restart()

    def restart(self) -> None:
        """Begin a new interval: time spent elsewhere (evaluation, a pause) does not count into the rate."""
        self._since, self._last = time.perf_counter(), time.time()

    def add(self, loss: torch.Tensor) -> None:
        """Add the weighted loss of a micro-batch to the step under way."""
        loss = loss.detach()
        self._loss = loss if self._loss is None else self._loss + loss

    def end_step(self, step: int, epoch: int, learning_rate: float) -> list[float]:
        """The step is complete; emit what waits when the interval is over, and return its losses."""
        if self._loss is not None:
            self._waiting.append((step, epoch, learning_rate, time.time(), self._loss))
            self._loss = None
        if time.perf_counter() - self._since >= INTERVAL:
            return self.flush()
        return []

    def flush(self) -> list[float]:
        """Emit all waiting steps; returns their losses."""
        if not self._waiting:
            return []
        losses = torch.stack([loss for *_, loss in self._waiting]).tolist()
        rate = len(self._waiting) * self.batch_size / max(time.perf_counter() - self._since, 1e-9)
        memory = self._memory()
        for (step, epoch, learning_rate, moment, _), loss in zip(
            self._waiting, losses, strict=True
        ):
            self.bus.emit(StepDone(step, epoch, loss, learning_rate, rate, memory, moment))
        self._waiting.clear()
        self.restart()
        return losses

    def _memory(self) -> int:
        if self.device.type == "cuda":
            return int(torch.cuda.memory_allocated(self.device))
        return int(_THIS.memory_info().rss)
