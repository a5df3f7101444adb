# SPDX-License-Identifier: BSD-3-Clause
"""The parts of one training, held together for the loop.

Goes in: a built model, a data set, a spec with its plan, a bus, orders, a folder for checkpoints.
Comes out: events, checkpoints, and the module with the weights that were chosen.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from lepton_lab.catalog import BuiltModel
from lepton_lab.datasets import Dataset
from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.events import Alert, Bus, Controlled, Evaluated, Saved
from lepton_lab.spec import TrainSpec
from lepton_lab.tasks import Batch, tasks
from lepton_lab.training import checkpoint, optim
from lepton_lab.training.control import Control, Order
from lepton_lab.training.ema import WeightAverage
from lepton_lab.training.evaluate import outputs
from lepton_lab.training.loader import training_batches
from lepton_lab.training.log import StepLog
from lepton_lab.training.plan import Plan
from lepton_lab.training.precision import Precision
from lepton_lab.training.schedule import factor


class Trainer:
    """One training: its parts and where it stands (`step`, `best`).

    Args:
        built: The model; its module is moved to the plan's device and trained in place.
        data: Train and val splits.
        spec: What was asked for.
        plan: What was decided.
        bus: Gets the events.
        control: Gives the orders.
        folder: Where checkpoints are kept.
        task: Name of the task.
    """

    def __init__(
        self,
        built: BuiltModel,
        data: Dataset,
        spec: TrainSpec,
        plan: Plan,
        bus: Bus,
        control: Control,
        folder: Path,
        task: str,
    ) -> None:
        self.data, self.spec, self.plan = data, spec, plan
        self.bus, self.control, self.folder = bus, control, folder
        self.device = torch.device(plan.device)
        self.task = tasks.get(task).create(built, spec, getattr(data, "flip_safe", True))
        optim.freeze(built.module, built.groups, spec.freeze)
        layout = torch.channels_last if plan.channels_last else torch.contiguous_format
        self.module = built.module.to(self.device)
        self.module.to(memory_format=layout)  # type: ignore[call-overload]
        groups = optim.parameter_groups(
            self.module, built.groups, layer_decay=plan.layer_decay, weight_decay=plan.weight_decay
        )
        self.optimizer = optim.create(spec.optimizer, groups, plan.learning_rate, self.device.type)
        self.parameters = [p for p in self.module.parameters() if p.requires_grad]
        self.precision = Precision(plan.precision, self.device)
        self.average = WeightAverage(self.module, spec.ema) if spec.ema else None
        self.log = StepLog(bus, self.device, plan.batch_size)
        self.micro_batch = math.ceil(plan.batch_size / spec.accumulate)
        self.peak = plan.learning_rate
        self.step = 0
        self.best: dict[str, Any] = {}
        self.stale = 0

    @property
    def epoch(self) -> int:
        """The epoch in which the next step lies, from 0."""
        return self.step // self.plan.steps_per_epoch

    @property
    def out_of_patience(self) -> bool:
        """Whether so many epochs brought nothing that the run should end."""
        return bool(self.spec.patience) and self.stale >= self.spec.patience

    def begin(self, epoch: int) -> None:
        """Training mode, and a fresh interval for the rate."""
        optim.training_mode(self.module)
        self.log.restart()

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of the epoch that are still to come."""
        return training_batches(
            self.task,
            self.data.train,
            seed=self.spec.seed,
            epoch=epoch,
            batch_size=self.plan.batch_size,
            steps=self.plan.steps_per_epoch,
            start=self.step - epoch * self.plan.steps_per_epoch,
            workers=self.plan.workers,
        )

    def set_learning_rate(self) -> None:
        """The schedule's rate for the step to come, for each group."""
        rate = self.learning_rate
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]

    @property
    def learning_rate(self) -> float:
        """The head's rate at this step."""
        return self.peak * factor(self.step, self.plan.steps, self.spec.schedule, self.spec.warmup)

    def obey(self) -> bool:
        """Carry out the orders given since the last step; False when the run is to stop."""
        orders = self.control.take()
        while orders:
            for order in orders:
                self.log.flush()
                self.bus.emit(Controlled(self.step, order.action, order.values))
                if order.action == "stop":
                    self.save(self.epoch)
                    return False
            paused = orders[-1].action == "pause"
            orders = self._wait() if paused else []
        return True

    def _wait(self) -> list[Order]:
        while not (orders := self.control.take(wait=0.5)):
            continue
        self.log.restart()
        return orders

    def after_step(self, epoch: int) -> None:
        """Log the step, and save when it is time."""
        self._check(self.log.end_step(self.step, epoch + 1, self.learning_rate))
        every = self.spec.checkpoint_every
        if every and self.step % every == 0 and self.step % self.plan.steps_per_epoch:
            self.save(epoch)

    def after_epoch(self, epoch: int) -> None:
        """Evaluate, remember the best, save."""
        self._check(self.log.flush())
        split = self.data.val or self.data.train
        values = self.evaluate(split)
        score = values[self.task.metric] * (1 if self.task.higher_is_better else -1)
        better = not self.best or score > self.best["score"]
        self.stale = 0 if better else self.stale + 1
        if better:
            self.best = {
                "step": self.step,
                "epoch": epoch + 1,
                "score": score,
                "split": split.name,
                **values,
            }
        self.bus.emit(Evaluated(self.step, epoch + 1, split.name, dict(values), better))
        self.save(epoch, better)
        optim.training_mode(self.module)

    def _check(self, losses: list[float]) -> None:
        bad = [loss for loss in losses if not math.isfinite(loss)]
        if bad:
            raise LeptonError(
                f"Training stopped: the loss became {bad[0]} by step {self.step}.",
                f"Checkpoints up to the last evaluation are kept; a learning rate of {self.peak:g} may be too high.",
                f"--learning-rate={self.peak / 10:.1g}",
            )

    def evaluate(self, split: Any) -> Mapping[str, float]:
        """The task's metrics on a split, with the averaged weights when there are such."""
        if self.average is not None:
            with self.average.applied(self.module):
                return self._score(split)
        return self._score(split)

    def _score(self, split: Any) -> Mapping[str, float]:
        found = outputs(
            self.task,
            self.module,
            split,
            device=self.device,
            batch_size=max(self.plan.batch_size, 64),
            workers=self.plan.workers,
            precision=self.precision,
        )
        return self.task.score(found, self.task.targets(split))

    def save(self, epoch: int, best: bool = False) -> None:
        """Write a checkpoint; a full disk is told and costs nothing that was there before."""
        trees = {"model": self.module.state_dict(), "optimizer": self.optimizer.state_dict()}
        if self.average is not None:
            trees["average"] = self.average.state
        facts = {
            "epoch": epoch,
            "best": self.best,
            "stale": self.stale,
            "peak": self.peak,
            "scaler": self.precision.scaler.state_dict(),
            "time": time.time(),
        }
        try:
            path = checkpoint.save(self.folder, self.step, trees, facts)
        except StorageError as error:
            self.bus.emit(Alert(self.step, "error", error.what, error.todo))
            return
        self.bus.emit(Saved(self.step, epoch + 1, f"checkpoints/{path.name}", best))
        checkpoint.prune(self.folder, keep={f"step-{self.best['step']}"} if self.best else set())

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint, bit for bit as if the run had never stopped."""
        trees, facts = checkpoint.load(path)
        self.module.load_state_dict(trees["model"])
        optim.restore(self.optimizer, trees["optimizer"])
        if self.average is not None:
            for name, value in trees["average"].items():
                self.average.state[name].copy_(value)
        self.precision.scaler.load_state_dict(facts["scaler"])
        self.step, self.best, self.stale = facts["step"], facts["best"], facts["stale"]
        self.peak = facts["peak"]

    def finish(self) -> None:
        """Load the best weights (or the averaged last ones) into the module and free the optimizer."""
        source = (
            self.folder / f"step-{self.best['step']}" if self.best and self.spec.keep_best else None
        )
        kind = "average" if self.average is not None else "model"
        if source is not None and source.is_dir():
            self.module.load_state_dict(checkpoint.weights(source, kind))
        else:
            if source is not None:
                self.bus.emit(
                    Alert(
                        self.step,
                        "warning",
                        "The best weights could not be kept; the last ones are used.",
                    )
                )
            if self.average is not None:
                self.module.load_state_dict(self.average.state)
        self.module.eval()
        for parameter in self.module.parameters():
            parameter.requires_grad_(True)
        self.optimizer.zero_grad(set_to_none=True)
