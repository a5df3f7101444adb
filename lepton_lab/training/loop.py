# SPDX-License-Identifier: BSD-3-Clause
"""The training loop. Everything else is a part that it turns (`trainer.py`) or watches it (`events.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_lab.training.recover import NotFiniteError, halve, is_out_of_memory, redo, roll_back
from lepton_lab.training.seeds import seeded_step

if TYPE_CHECKING:
    from lepton_lab.tasks import Batch
    from lepton_lab.training.trainer import Trainer


def train(t: Trainer) -> str:
    """Train from the trainer's step to the end of its plan. Returns the state: "done" or "stopped"."""
    while True:
        try:
            return epochs(t)
        except NotFiniteError as found:
            roll_back(t, found)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            redo(t, error)


def epochs(t: Trainer) -> str:
    """The epochs that are left."""
    while t.step < t.steps:
        epoch = t.epoch
        t.begin(epoch)
        for batch in t.batches(epoch):
            if not t.obey():
                return "stopped"
            step(t, batch, epoch)
            t.after_step(batch, epoch)
            if t.step == t.steps:
                break
        t.after_epoch(epoch)
        if t.out_of_patience:
            break
    return "done"


def step(t: Trainer, batch: Batch, epoch: int) -> None:
    """One optimizer step over an effective batch, in smaller parts when the memory is full.

    Gradients can be computed again at once. What comes after them changes the weights, so a memory that is
    full there is for `train`: a step that may be half taken is no step.
    """
    t.set_learning_rate()
    while True:
        try:
            gradients(t, batch, epoch)
            break
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            halve(t, error)
    t.norm = t.precision.step(t.optimizer, t.parameters, t.spec.clip)
    t.step += 1
    if t.average is not None:
        t.average.update(t.module, t.step)


def gradients(t: Trainer, batch: Batch, epoch: int) -> None:
    """The gradients of an effective batch, from micro-batches that weigh by their size."""
    with seeded_step(t.spec.seed, epoch, t.step, t.device):
        for start in range(0, len(batch), t.micro_batch):
            part = batch.cut(start, start + t.micro_batch)
            with t.precision.autocast():
                loss = t.task.loss(t.module, part, t.device) * (len(part) / len(batch))
            t.precision.backward(loss)
            t.log.add(loss)
