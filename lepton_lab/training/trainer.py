# SPDX-License-Identifier: BSD-3-Clause
"""The parts of one training, held together for the loop.

Goes in: a built model, a data set, a spec with its plan, a bus, orders, a folder for checkpoints.
Comes out: events, checkpoints, and the module with the weights that were chosen.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lepton_lab.datasets import Dataset, Split
from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.events import Alert, Bus, Controlled, Evaluated, Predicted
from lepton_lab.spec import TrainSpec, from_json, to_json
from lepton_lab.tasks import Batch, tasks
from lepton_lab.tasks.soft_targets import taught
from lepton_lab.training import checkpoint, optim
from lepton_lab.training.allocator import hand_back, keep_freed_memory
from lepton_lab.training.budget import Budget
from lepton_lab.training.control import Control, Order
from lepton_lab.training.ema import WeightAverage
from lepton_lab.training.evaluate import outputs
from lepton_lab.training.loader import training_batches
from lepton_lab.training.log import StepLog
from lepton_lab.training.orders import carry_out
from lepton_lab.training.plan import Plan
from lepton_lab.training.precision import Precision
from lepton_lab.training.recover import NotFiniteError, is_out_of_memory, release
from lepton_lab.training.samples import described
from lepton_lab.training.saver import Job, Saver, copy_of, finite
from lepton_lab.training.schedule import Course, factor

if TYPE_CHECKING:
    from lepton_lab.tasks.contract import BuiltModel


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
        if self.device.type == "cpu":
            keep_freed_memory()
        created = tasks.get(task).create(built, spec, getattr(data, "flip_safe", True))
        self.task = taught(created, built)
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
        self.log = StepLog(bus, self.device, plan.batch_size, self.task.guess)
        self.micro_batch = plan.parts_of(spec.accumulate)
        self.evaluation_batch = max(self.micro_batch, 64)
        self.peak = plan.learning_rate
        self.step = 0
        self.course = Course(plan.steps)
        self.budget = Budget(plan) if plan.time else None
        self.norm: torch.Tensor | None = None
        self.best: dict[str, Any] = {}
        self.stale = 0
        self.rolled_back = False
        self.obeyed: list[tuple[int, Order]] = []
        self.last_saved = 0
        self.saver = Saver(folder, bus)

    @property
    def epoch(self) -> int:
        """The epoch in which the next step lies, from 0; the number of epochs when there is none."""
        return self.step // self.plan.steps_per_epoch if self.step < self.steps else self.epochs

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.course.total

    @property
    def epochs(self) -> int:
        """Epochs of the whole run; the last one may be cut short."""
        return math.ceil(self.steps / self.plan.steps_per_epoch)

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
            shuffle=self.data.shuffle,
        )

    def set_learning_rate(self) -> None:
        """The schedule's rate for the step to come, for each group."""
        rate = self.learning_rate
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]

    @property
    def share(self) -> float:
        """The share of the peak learning rate at this step."""
        place = float(self.course.place(self.step))
        return factor(place, self.plan.steps, self.spec.schedule, self.spec.warmup)

    @property
    def learning_rate(self) -> float:
        """The head's rate at this step."""
        return self.peak * self.share

    def obey(self) -> bool:
        """Carry out the orders given since the last step; False when the run is to stop."""
        paused = False
        if self.budget is not None:
            self.budget.look(self)
        orders = self.control.take(self.step)
        while orders or paused:
            for order in orders:
                self.log.flush()
                self.bus.emit(Controlled(self.step, order.action, _plain(order.values)))
                if order.action == "stop":
                    self.save()
                    return False
                if order.action in ("pause", "resume"):
                    paused = order.action == "pause"
                    self._rest(paused)
                else:
                    carry_out(self, order)
                self.log.restart()
            orders = self.control.take(self.step, wait=0.2 if paused else None)
        if self.budget is not None:
            self.budget.mark()
        return True

    def _rest(self, paused: bool) -> None:
        """A paused run is saved and gives the device's spare memory back; its budget waits."""
        if self.budget is not None:
            self.budget.pause(paused)
        if paused:
            self.save()
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def after_step(self, batch: Batch, epoch: int) -> None:
        """Log the step, and save when it is time."""
        rate = self.optimizer.param_groups[-1]["lr"]
        self.log.end_step(self.step, epoch + 1, rate, batch.ids, self.norm)
        every = self.spec.checkpoint_every
        last = self.step % self.plan.steps_per_epoch == 0 or self.step == self.steps
        if every and self.step % every == 0 and not last:
            self.log.flush()
            self.save()

    def after_epoch(self, epoch: int) -> None:
        """Evaluate, remember the best, save."""
        self.log.flush()
        split = self.data.val or self.data.train
        values = self.evaluate(split)
        score = values[self.task.metric] * (1 if self.task.higher_is_better else -1)
        better = math.isfinite(score) and (not self.best or score > self.best["score"])
        better = better and self.log.watch.well
        self.stale = 0 if better else self.stale + 1
        if better:
            self.best = {
                "step": self.step,
                "epoch": epoch + 1,
                "score": score,
                "split": split.name,
                "metric": self.task.metric,
                **values,
            }
        self.bus.emit(Evaluated(self.step, epoch + 1, split.name, dict(values), better))
        self.bus.emit(Predicted(self.step, epoch + 1, split.name, self.seen))
        self.save(best=better)
        optim.training_mode(self.module)

    def report(self, split: str, values: Mapping[str, float]) -> None:
        """Tell the metrics of a moment between two steps."""
        epoch = min(self.epoch, self.epochs - 1) + 1
        self.bus.emit(Evaluated(self.step, epoch, split, dict(values)))

    def warn(self, message: str) -> None:
        """Tell the user something that did not end the run."""
        self.bus.emit(Alert(self.step, "warning", message))

    @contextmanager
    def at_rest(self) -> Iterator[torch.nn.Module]:
        """The module in evaluation mode, with the averaged weights when there are such; then as it was."""
        average = self.average.applied(self.module) if self.average is not None else nullcontext()
        with average:
            self.module.eval()
            try:
                yield self.module
            finally:
                optim.training_mode(self.module)

    def evaluate(self, split: Split) -> Mapping[str, float]:
        """The task's metrics on a split; in smaller batches when the memory is full."""
        with self.at_rest() as module:
            while True:
                try:
                    found = outputs(
                        self.task,
                        module,
                        split,
                        device=self.device,
                        batch_size=self.evaluation_batch,
                        workers=self.plan.workers,
                        precision=self.precision,
                    )
                    self.seen = described(self.task, split, found)
                    return self.task.score(found, self.task.targets(split))
                except Exception as error:
                    if not is_out_of_memory(error) or self.evaluation_batch == 1:
                        raise
                    release(error)
                    self.evaluation_batch //= 2

    def save(self, *, best: bool = False, pinned: bool = False) -> None:
        """Hand a copy of everything to the one who writes checkpoints; none where the memory is full.

        Raises:
            NotFiniteError: The weights are no numbers: such a checkpoint would be worse than none.
        """
        try:
            job = self._job(best, pinned)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            release(error)
            self.warn(f"The memory was full: step {self.step} has no checkpoint.")
            return
        self.saver.save(job)
        self.last_saved = self.step

    def _job(self, best: bool, pinned: bool) -> Job:
        """A copy of everything that decides how the run goes on."""
        trees = {"model": self.module.state_dict(), "optimizer": self.optimizer.state_dict()}
        if not finite(trees["model"]):
            if self.step == 0:
                raise LeptonError(
                    "The model's weights hold numbers that are not finite.",
                    "It cannot be trained from there.",
                    "Load it again, or train from an earlier run.",
                )
            raise NotFiniteError(self.step, float("nan"), self.log.samples, "weights")
        if self.average is not None:
            trees["average"] = self.average.state
        facts = {
            "epoch": self.epoch,
            "best": dict(self.best),
            "stale": self.stale,
            "peak": self.peak,
            "micro_batch": self.micro_batch,
            "rolled_back": self.rolled_back,
            "losses": self.log.watch.state,
            "spec": to_json(self.spec),
            "scaler": self.precision.scaler.state_dict(),
            "course": [list(change) for change in self.course.changes],
            "spent": self.budget.spent if self.budget is not None else 0.0,
            "time": time.time(),
        }
        epoch = min(self.epoch, self.epochs - 1) + 1
        return Job(self.step, epoch, copy_of(trees), facts, best, pinned)

    def restore(self, path: Path, *, own_spec: bool = False) -> None:
        """Go on from a checkpoint, bit for bit as if the run had never stopped.

        Args:
            path: The checkpoint.
            own_spec: Keep this trainer's spec and weight decay: it is a branch and not the same run.
        """
        trees, facts = checkpoint.load(path)
        self.module.load_state_dict(trees["model"])
        optim.restore(self.optimizer, trees["optimizer"])
        if self.average is not None:
            for name, value in trees["average"].items():
                self.average.state[name].copy_(value)
        self.precision.scaler.load_state_dict(facts["scaler"])
        self.step, self.best, self.stale = facts["step"], facts["best"], facts["stale"]
        self.peak, self.micro_batch = facts["peak"], facts["micro_batch"]
        self.rolled_back = facts["rolled_back"]
        self.log.watch.restore(facts.get("losses", {}))
        if own_spec:
            self.micro_batch = self.plan.parts_of(self.spec.accumulate)
            for group in self.optimizer.param_groups:
                group["weight_decay"] = self.plan.weight_decay if group["decays"] else 0.0
        else:
            self.spec = self.task.spec = from_json(TrainSpec, facts["spec"])
            changes = tuple((step, total) for step, total in facts.get("course", ()))
            self.course = Course(self.plan.steps, changes)
            if self.budget is not None:
                self.budget.go_on(facts["spent"])
        self.saver.best = f"step-{self.best['step']}" if self.best else path.name
        self.last_saved = self.step

    def finish(self, *, failed: bool = False) -> None:
        """Load the chosen weights into the module and free the optimizer.

        Args:
            failed: The run broke off: without a best checkpoint the newest whole one is loaded, because the
                weights of this moment may be no numbers.
        """
        self.saver.close()
        best = [self.folder / f"step-{self.best['step']}"] if self.best else []
        chosen = best if self.spec.keep_best else []
        if not self._load(chosen + (checkpoint.newest(self.folder) if failed else [])):
            if chosen:
                self.warn("The best weights could not be kept; the last ones are used.")
            if self.average is not None:
                self.module.load_state_dict(self.average.state)
        self.module.eval()
        for parameter in self.module.parameters():
            parameter.requires_grad_(True)
        self.optimizer.zero_grad(set_to_none=True)
        self.optimizer.state.clear()
        hand_back()

    def _load(self, candidates: list[Path]) -> bool:
        """Take the weights of the first checkpoint that is whole."""
        kind = "average" if self.average is not None else "model"
        for path in candidates:
            with suppress(StorageError):
                self.module.load_state_dict(checkpoint.weights(path, kind))
                return True
        return False


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an order that can be written down."""
    return {k: v for k, v in values.items() if isinstance(v, (str, int, float, bool, list))}
