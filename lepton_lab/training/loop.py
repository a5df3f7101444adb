# SPDX-License-Identifier: BSD-3-Clause
"""The training loop. Everything else is a part that it turns (`trainer.py`) or watches it (`events.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_lab.training.seeds import seeded_step

if TYPE_CHECKING:
    from lepton_lab.tasks import Batch
    from lepton_lab.training.trainer import Trainer


def train(t: Trainer) -> str:
    """Train from the trainer's step to the end of its plan. Returns the state: "done" or "stopped"."""
    for epoch in range(t.epoch, t.plan.epochs):
        t.begin(epoch)
        for batch in t.batches(epoch):
            if not t.obey():
                return "stopped"
            step(t, batch, epoch)
            t.after_step(epoch)
        t.after_epoch(epoch)
        if t.out_of_patience:
            break
    return "done"


def step(t: Trainer, batch: Batch, epoch: int) -> None:
    """One optimizer step over an effective batch, cut into micro-batches that weigh by their size."""
    t.set_learning_rate()
    with seeded_step(t.spec.seed, epoch, t.step, t.device):
        for start in range(0, len(batch), t.micro_batch):
            part = batch.cut(start, start + t.micro_batch)
            with t.precision.autocast():
                loss = t.task.loss(t.module, part, t.device) * (len(part) / len(batch))
            t.precision.backward(loss)
            t.log.add(loss)
    t.precision.step(t.optimizer, t.parameters, t.spec.clip)
    t.step += 1
    if t.average is not None:
        t.average.update(t.module, t.step)
