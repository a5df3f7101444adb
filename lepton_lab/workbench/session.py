# SPDX-License-Identifier: BSD-3-Clause
"""From a model, data and a spec to a run: the folder, the journal, the live view, the training thread.

Training always happens in a thread, so that it never depends on which cell is busy; a blocking call waits
for it with an Event. Ctrl-C is an order to stop: the step is finished, the state saved, the best weights
loaded, and the run returned.
"""

from __future__ import annotations

import contextlib
import logging
import platform
import threading
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError
from lepton_lab.events import Alert, Bus, Evaluated, Event, RunEnded, RunStarted
from lepton_lab.journal import JournalWriter, RunFolder, new_run
from lepton_lab.spec import RunSpec, to_json
from lepton_lab.training import Control, Plan
from lepton_lab.workbench.handle import Run, cell_number

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset
    from lepton_lab.training.trainer import Trainer
    from lepton_lab.workbench.model import LeptonModel

logger = logging.getLogger(__name__)
LIBRARIES = ("lepton-lab", "torch", "torchvision", "timm", "transformers", "numpy", "pillow")


class Session:
    """One training from start to end.

    Args:
        model: Becomes the trained model.
        built: The module to train, with the head for the data's classes.
        data: The data set.
        spec: What was asked for.
        plan: What was decided.
        parent: Name of the run whose weights it starts from.
        view: Name of the live view, or "auto".
    """

    def __init__(
        self,
        model: LeptonModel,
        built: BuiltModel,
        data: Dataset,
        spec: RunSpec,
        plan: Plan,
        *,
        parent: str = "",
        view: str = "auto",
    ) -> None:
        self.model, self.built, self.data, self.spec, self.plan = model, built, data, spec, plan
        self.bus, self.control = Bus(), Control()
        stem = f"{data.name}-{built.entry.name.split('/')[-1]}"
        self.folder: RunFolder = new_run(spec.train.name, self._record(parent), stem)
        self.run = Run(self.folder, self.control, data)
        self.journal = JournalWriter(self.folder.journal)
        self.bus.subscribe(self.journal)
        self.bus.subscribe(self._follow)
        self.view = view

    def start(self, *, background: bool) -> Run:
        """Open the view and the thread; wait unless in the background."""
        from lepton_lab.views import choose

        watcher = choose(self.view).open()
        self.bus.subscribe(watcher)
        self.watcher = watcher
        self.run.displayed_in = cell_number()
        self.model._run, self.model._built = self.run, None
        self.run._model = self.model
        threading.Thread(target=self._work, name=f"lepton-{self.run.name}", daemon=True).start()
        if not background:
            self._hold()
            self.run.wait()
        return self.run

    def _hold(self) -> None:
        """Wait for the thread. The first Ctrl-C orders a stop; a second one leaves it to end by itself."""
        try:
            self.control.over.wait()
        except KeyboardInterrupt:
            self.control.give("stop")
            with contextlib.suppress(KeyboardInterrupt):
                self.control.over.wait()

    def _work(self) -> None:
        started = time.monotonic()
        trainer: Trainer | None = None
        state, message = "failed", ""
        try:
            from lepton_lab.training.loop import train
            from lepton_lab.training.trainer import Trainer

            trainer = Trainer(
                self.built,
                self.data,
                self.spec.train,
                self.plan,
                self.bus,
                self.control,
                self.folder.checkpoints,
                self.spec.task,
            )
            self.bus.emit(self._started(trainer))
            state = train(trainer)
            trainer.finish()
        except BaseException as error:
            message = str(error).split("\n")[0] or type(error).__name__
            self.run.fail(error)
            if not isinstance(error, LeptonError):
                logger.info("run %s failed", self.run.name, exc_info=True)
        finally:
            self._end(trainer, state, message, time.monotonic() - started)

    def _end(self, trainer: Trainer | None, state: str, message: str, seconds: float) -> None:
        """Tell everyone, write the record, free the view. Nothing here may keep the waiting cell waiting."""
        try:
            step, epoch, best = (
                (trainer.step, min(trainer.epoch + 1, trainer.plan.epochs), trainer.best)
                if trainer
                else (0, 0, {})
            )
            if message:
                self.bus.emit(Alert(step, "error", message))
            numbers = {k: float(v) for k, v in best.items() if isinstance(v, (int, float))}
            self.bus.emit(RunEnded(step, epoch, state, seconds, message, numbers))
            self.built.weights = f"run {self.run.name}"
            self.model.adopt(self.built, self.run)
            self.folder.update(
                state=state,
                ended=time.time(),
                seconds=seconds,
                step=step,
                best=best,
                message=message,
            )
        except Exception as error:
            logger.warning("the end of run %s could not be recorded: %s", self.run.name, error)
        finally:
            with contextlib.suppress(Exception):
                self.watcher.close()
            with contextlib.suppress(Exception):
                self.journal.close()
            self.control.over.set()

    def _follow(self, event: Event) -> None:
        """Keep `run.json` in step with the epochs, for lists that do not read journals."""
        if isinstance(event, RunStarted):
            self.folder.update(state="running", started=event.time)
        elif isinstance(event, Evaluated):
            with contextlib.suppress(LeptonError):
                best = {
                    "best": {
                        "step": event.step,
                        "epoch": event.epoch,
                        "split": event.split,
                        **event.values,
                    }
                }
                self.folder.update(
                    step=event.step, epoch=event.epoch, **(best if event.best else {})
                )

    def _started(self, trainer: Trainer) -> RunStarted:
        return RunStarted(
            run=self.run.name,
            model=self.built.entry.name,
            data=self.data.name,
            task=self.spec.task,
            metric=trainer.task.metric,
            epochs=self.plan.epochs,
            steps_per_epoch=self.plan.steps_per_epoch,
            step=trainer.step,
            device=self.plan.device,
        )

    def _record(self, parent: str) -> dict[str, Any]:
        return {
            "spec": to_json(self.spec),
            "plan": self.plan.to_json(),
            "model": {
                "name": self.built.entry.name,
                "config": self.built.config,
                "preprocessing": self.built.preprocessing,
                "classes": list(self.built.classes),
                "weights": self.built.weights,
                "licence": self.built.entry.licence,
            },
            "data": _summary(self.data),
            "parent": parent,
            "environment": _environment(),
            "cell": _cell(),
        }


def _summary(data: Dataset) -> dict[str, Any]:
    splits = {s.name: len(s) for s in (data.train, data.val, data.test) if s is not None}
    return {
        "name": data.name,
        "kind": data.kind,
        "fingerprint": data.fingerprint(),
        "classes": list(data.classes),
        "splits": splits,
    }


def _environment() -> dict[str, str]:
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for name in LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def _cell() -> str:
    """The code of the cell that is running, where there is one."""
    import sys

    if "IPython" not in sys.modules:
        return ""
    shell = sys.modules["IPython"].get_ipython()
    history = shell.user_ns.get("In", [""]) if shell is not None else [""]
    return str(history[-1])[:10_000]
