# SPDX-License-Identifier: BSD-3-Clause
"""Steps on a copy of the model, which leave no trace: for the range test and for measuring time.

The model, its statistics and the generators are afterwards what they were, to the bit.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from lepton_lab.datasets import Dataset
from lepton_lab.randomness import borrowed_generators
from lepton_lab.spec import TrainSpec
from lepton_lab.tasks import Batch, tasks
from lepton_lab.training import optim
from lepton_lab.training.loader import training_batches
from lepton_lab.training.plan import Plan
from lepton_lab.training.precision import Precision
from lepton_lab.training.recover import is_out_of_memory, release
from lepton_lab.training.seeds import seeded_step

if TYPE_CHECKING:
    from lepton_lab.tasks.contract import BuiltModel

EPOCH = 1_000_003


class Trial:
    """A copy of a model that takes real steps.

    Args:
        built: The model; it is not changed.
        data: The data set; steps take its training split.
        spec: Optimizer, freezing and the rest as in training.
        plan: The decided values.
        task: Name of the task.
    """

    def __init__(
        self, built: BuiltModel, data: Dataset, spec: TrainSpec, plan: Plan, task: str
    ) -> None:
        self.data, self.spec, self.plan = data, spec, plan
        self.device = torch.device(plan.device)
        self.task = tasks.get(task).create(built, spec, getattr(data, "flip_safe", True))
        self.module = copy.deepcopy(built.module).to(self.device)
        layout = torch.channels_last if plan.channels_last else torch.contiguous_format
        self.module.to(memory_format=layout)  # type: ignore[call-overload]
        optim.freeze(self.module, built.groups, spec.freeze)
        optim.training_mode(self.module)
        groups = optim.parameter_groups(
            self.module, built.groups, layer_decay=plan.layer_decay, weight_decay=plan.weight_decay
        )
        self.optimizer = optim.create(spec.optimizer, groups, plan.learning_rate, self.device.type)
        self.precision = Precision(plan.precision, self.device)
        self.parameters = [p for p in self.module.parameters() if p.requires_grad]
        self.micro_batch = plan.parts_of(spec.accumulate)

    def batches(self, steps: int, workers: int = 0) -> Iterator[Batch]:
        """Batches of an epoch that no training reaches."""
        return training_batches(
            self.task,
            self.data.train,
            seed=self.spec.seed,
            epoch=EPOCH,
            batch_size=self.plan.batch_size,
            steps=steps,
            start=0,
            workers=workers,
        )

    @contextmanager
    def no_gradients(self) -> Iterator[None]:
        """As an evaluation runs."""
        with torch.inference_mode(), self.precision.autocast():
            yield

    def step(self, number: int, batch: Batch, learning_rate: float) -> float:
        """One optimizer step; returns its loss, so that all of it is done when this returns."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate * group["factor"]
        while True:
            try:
                loss = self._gradients(number, batch)
                break
            except Exception as error:
                if not is_out_of_memory(error) or self.micro_batch == 1:
                    raise
                self.optimizer.zero_grad(set_to_none=True)
                release(error)
                self.micro_batch = math.ceil(self.micro_batch / 2)
        self.precision.step(self.optimizer, self.parameters, self.spec.clip)
        return float(loss)

    def _gradients(self, number: int, batch: Batch) -> torch.Tensor:
        """The gradients of a batch from micro-batches, as in training; returns its loss."""
        total = torch.zeros((), device=self.device)
        with seeded_step(self.spec.seed, EPOCH, number, self.device):
            for start in range(0, len(batch), self.micro_batch):
                part = batch.cut(start, start + self.micro_batch)
                with self.precision.autocast():
                    loss = self.task.loss(self.module, part, self.device) * (len(part) / len(batch))
                self.precision.backward(loss)
                total += loss.detach()
        return total


@contextmanager
def trial(
    built: BuiltModel, data: Dataset, spec: TrainSpec, plan: Plan, task: str
) -> Iterator[Trial]:
    """A `Trial` under borrowed generators."""
    with borrowed_generators():
        yield Trial(built, data, spec, plan, task)
