# SPDX-License-Identifier: BSD-3-Clause
"""How long a training's parts take on this machine, measured with a few real steps on a copy."""

from __future__ import annotations

import itertools
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lepton_lab.datasets import Dataset
from lepton_lab.spec import TrainSpec
from lepton_lab.training import checkpoint, optim
from lepton_lab.training.loader import evaluation_batches
from lepton_lab.training.plan import Plan
from lepton_lab.training.saver import copy_of
from lepton_lab.training.trial import Trial, trial

if TYPE_CHECKING:
    from lepton_lab.tasks.contract import BuiltModel

WARM_UP = 2
STEPS = 30


@dataclass(frozen=True)
class Pace:
    """Seconds that the parts of a training take.

    Attributes:
        step: An optimizer step, with the loading of its batch; the mean.
        low: What a fast step takes; a tenth of them take less.
        high: What a slow step takes; a tenth of them take more.
        epoch: What the end of an epoch takes: evaluation and the copy for the checkpoint.
        end: What the end of the run takes: the last checkpoint on disk, the best weights loaded.
    """

    step: float
    low: float
    high: float
    epoch: float = 0.0
    end: float = 0.0

    def seconds(self, steps: int, epochs: int) -> float:
        """What so many steps take, with so many ends of epochs and the end of the run."""
        return steps * self.step + epochs * self.epoch + self.end

    def with_steps(self, seconds: Sequence[float]) -> Pace:
        """The pace with steps that took so long."""
        low, high = np.quantile(seconds, (0.1, 0.9))
        return Pace(float(np.mean(seconds)), float(low), float(high), self.epoch, self.end)


def measure(
    built: BuiltModel,
    data: Dataset,
    spec: TrainSpec,
    plan: Plan,
    task: str,
    *,
    folder: Path,
    limit: float,
) -> Pace:
    """Take a few steps, evaluate a little and write a checkpoint, all with a copy that goes away.

    Args:
        built: The model; it is not changed.
        data: The data set.
        spec: What was asked for.
        plan: The decided values.
        task: Name of the task.
        folder: An existing folder on the disk that checkpoints will be written to.
        limit: Seconds after which no further step is begun; some are always taken.
    """
    with trial(built, data, spec, plan, task) as one:
        steps = _steps(one, limit)
        epoch = _evaluation(one)
        copied, written = _checkpoint(one, folder)
    return Pace(0.0, 0.0, 0.0, epoch + copied, 2 * written).with_steps(steps)


def _steps(one: Trial, limit: float) -> list[float]:
    """Seconds of each step after the first ones, which build caches and kernels."""
    begun = since = time.perf_counter()
    seconds: list[float] = []
    for number, batch in enumerate(one.batches(WARM_UP + STEPS, one.plan.workers)):
        one.step(number, batch, one.plan.learning_rate)
        seconds.append(time.perf_counter() - since)
        since += seconds[-1]
        if len(seconds) > WARM_UP + 2 and since - begun > limit:
            break
    return seconds[WARM_UP:]


def _evaluation(one: Trial) -> float:
    """Seconds of an evaluation, from two of its batches: the first also starts what loads them."""
    split = one.data.val or one.data.train
    size = max(one.micro_batch, 64)
    one.module.eval()
    seconds, since = [], time.perf_counter()
    batches = evaluation_batches(one.task, split, batch_size=size, workers=one.plan.workers)
    with one.no_gradients():
        for batch in itertools.islice(batches, 2):
            one.task.outputs(one.module, batch, one.device)
            seconds.append(time.perf_counter() - since)
            since += seconds[-1]
    optim.training_mode(one.module)
    return seconds[0] + seconds[-1] * (math.ceil(len(split) / size) - 1)


def _checkpoint(one: Trial, folder: Path) -> tuple[float, float]:
    """Seconds in which a checkpoint is copied from the device, and those in which it is written."""
    since = time.perf_counter()
    trees = copy_of({"model": one.module.state_dict(), "optimizer": one.optimizer.state_dict()})
    copied = time.perf_counter() - since
    with tempfile.TemporaryDirectory(dir=folder, prefix=".pace-") as aside:
        checkpoint.save(Path(aside), 0, trees, {})
    return copied, time.perf_counter() - since - copied
