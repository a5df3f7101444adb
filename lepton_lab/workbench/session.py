# SPDX-License-Identifier: BSD-3-Clause
"""One training in this process: the journal, the live view, the thread, the orders, the end.

Training always happens in a thread, so that it never depends on which cell is busy; a blocking call waits
for it with an Event. Ctrl-C is an order to stop: the step is finished, the state saved, the best weights
loaded, and the run returned. A process that ends stops its runs first, so that they can be resumed.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError
from lepton_lab.events import Alert, Bus, Controlled, Evaluated, Event, RunEnded, RunStarted
from lepton_lab.journal import JournalWriter, RunFolder
from lepton_lab.journal.folder import LIVE, find_run
from lepton_lab.journal.process import this_process
from lepton_lab.spec import RunSpec
from lepton_lab.training import Control, Plan
from lepton_lab.workbench.handle import Run, cell_number
from lepton_lab.workbench.tracking import open_trackers

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset
    from lepton_lab.training.trainer import Trainer
    from lepton_lab.workbench.model import LeptonModel

logger = logging.getLogger(__name__)
PATIENCE_AT_EXIT = 20.0


@dataclass
class Work:
    """What a session trains.

    Attributes:
        model: Becomes the trained model.
        built: The module, with the head for the data's classes.
        data: The data set.
        spec: What was asked for.
        plan: What was decided.
        folder: The run's folder.
        checkpoint: Where to go on from; None starts at step 0.
        replay: Step -> orders to give again there.
        learning_rate: A new peak rate from the checkpoint on; None keeps it.
        branch: The checkpoint is another run's; spec and plan are this one's own.
        now: Train beside other runs of this process on the device instead of after them.
    """

    model: LeptonModel
    built: BuiltModel
    data: Dataset
    spec: RunSpec
    plan: Plan
    folder: RunFolder
    checkpoint: Path | None = None
    replay: dict[int, list[Any]] = field(default_factory=dict)
    learning_rate: float | None = None
    branch: bool = False
    now: bool = False


class Session:
    """One training from start to end.

    Args:
        work: What is trained.
        view: Name of the live view, or "auto".
    """

    def __init__(self, work: Work, view: str = "auto") -> None:
        self.work, self.view = work, view
        self.bus = Bus()
        self.control = self._control()
        self.run = Run(work.folder, self.control, work.data)
        self.closing: list[Callable[[], None]] = []
        self.end_trackers: Callable[[RunEnded], None] = lambda last: None
        self._record()
        self.thread = threading.Thread(
            target=self._work, name=f"lepton-{self.run.name}", daemon=True
        )

    def _control(self) -> Control:
        """Where the orders go."""
        return Control(self.work.folder.path, self.work.replay)

    def _record(self) -> None:
        """Keep what happens, in the journal and in the run's record."""
        journal = JournalWriter(self.work.folder.journal)
        self.closing.append(journal.close)
        self.bus.subscribe(journal)
        self.bus.subscribe(self._follow)
        self._remember()
        self.end_trackers = open_trackers(self.work.spec.train.track, self.work.folder, self.bus)

    def _remember(self) -> None:
        """Remember the micro-batch that fits, unless an earlier run's are given again."""
        if not self.work.replay:
            from lepton_lab.training.safe_batch import Remember, key_of

            work = self.work
            key = key_of(work.built, work.plan, work.spec.train.freeze)
            self.bus.subscribe(Remember(work.folder.path.parent, key))

    def start(self, *, background: bool) -> Run:
        """Open the view and the thread; wait unless in the background."""
        from lepton_lab.workbench.watching import watch

        if self.work.folder.record["state"] not in LIVE:
            # A run that goes on is under way before its card is there, or the card would be taken for an ended one's.
            self.work.folder.update(state="starting", process=this_process())
        self.watcher = watch(self.view, self.work.folder, self.work.data)
        if self.work.checkpoint is not None:
            for event in self.work.folder.events():
                if not isinstance(event, RunEnded):
                    self.watcher(event)
        self.bus.subscribe(self.watcher)
        self.closing.insert(0, self.watcher.close)
        self.run.displayed_in = cell_number()
        self.work.model._run, self.work.model._built = self.run, None
        self.run._model = self.work.model
        _LIVE.add(self)
        self.thread.start()
        return self.run if background or not self._hold() else self.run.wait()

    def _hold(self) -> bool:
        """Wait for the end. The first Ctrl-C orders a stop; a second one no longer waits for it.

        Returns:
            Whether the run is over.
        """
        try:
            return self.control.wait()
        except KeyboardInterrupt:
            self.control.give("stop")
            with contextlib.suppress(KeyboardInterrupt):
                return self.control.wait()
            return False

    def _work(self) -> None:
        """The training thread. Whatever happens in it, the end is told and nobody is left waiting."""
        started = time.monotonic()
        where: dict[str, Any] = {"step": 0, "epoch": 0, "best": {}}
        state, message = "failed", ""
        try:
            state = self._train(where)
        except BaseException as error:
            message = str(error).split("\n")[0] or type(error).__name__
            self.run.fail(error)
            if not isinstance(error, LeptonError):
                logger.info("run %s failed", self.run.name, exc_info=True)
        finally:
            self._end(where, state, message, time.monotonic() - started)

    def _train(self, where: dict[str, Any]) -> str:
        """Train when it is this run's turn on the device."""
        if self.work.now:
            return self._train_here(where)
        slot = _SLOTS.setdefault(self.work.plan.device, threading.Lock())
        if not slot.acquire(blocking=False):
            self.work.folder.update(state="queued")
            while not slot.acquire(timeout=0.1):
                if self.control.stop_ordered():
                    return "stopped"
        try:
            return self._train_here(where)
        finally:
            slot.release()

    def _train_here(self, where: dict[str, Any]) -> str:
        """Train; the trainer and all that it holds are gone when this returns."""
        from lepton_lab.training.loop import train
        from lepton_lab.training.safe_batch import tell
        from lepton_lab.training.trainer import Trainer

        work = self.work
        trainer = Trainer(
            work.built,
            work.data,
            work.spec.train,
            work.plan,
            self.bus,
            self.control,
            work.folder.checkpoints,
            work.spec.task,
        )
        try:
            if work.checkpoint is not None:
                trainer.restore(work.checkpoint, own_spec=work.branch)
                trainer.peak = work.learning_rate or trainer.peak
            self.bus.emit(self._started(trainer))
            if work.checkpoint is None:
                tell(work.plan, self.bus)
            if work.branch:
                self._tell_fork()
            if work.checkpoint is None or work.branch:
                trainer.save()
            state = train(trainer)
            trainer.finish()
            return state
        except BaseException:
            trainer.finish(failed=True)
            raise
        finally:
            trainer.saver.close()
            epoch = min(trainer.epoch + 1, trainer.epochs)
            where.update(step=trainer.step, epoch=epoch, best=trainer.best)

    def _tell_fork(self) -> None:
        """A branch shows the run that it left; one that is gone by now is not shown."""
        from lepton_lab.workbench.forks import forked

        parent = self.work.folder.record["parent"]
        with contextlib.suppress(LeptonError):
            self.bus.emit(forked(find_run(parent["run"]), parent["step"]))

    def _end(self, where: dict[str, Any], state: str, message: str, seconds: float) -> None:
        """Tell everyone, write the record, free the view. Nothing here may keep the waiting cell waiting."""
        work = self.work
        try:
            self._record_end(where, state, message, seconds)
            work.built.weights = f"run {self.run.name}"
            work.model.adopt(work.built, self.run)
        except Exception as error:
            logger.warning("the end of run %s could not be recorded: %s", self.run.name, error)
        finally:
            for close in self.closing:
                with contextlib.suppress(Exception):
                    close()
            _LIVE.discard(self)
            self.control.end()

    def _record_end(self, where: dict[str, Any], state: str, message: str, seconds: float) -> None:
        """The last events, and the record as it stays."""
        if message:
            self.bus.emit(Alert(where["step"], "error", message))
        numbers = {k: float(v) for k, v in where["best"].items() if isinstance(v, (int, float))}
        last = RunEnded(where["step"], where["epoch"], state, seconds, message, numbers)
        self.end_trackers(last)
        self.bus.emit(last)
        before = self.work.folder.record.get("seconds") or 0.0
        facts = {"step": where["step"], "best": where["best"], "message": message}
        self.work.folder.update(state=state, ended=time.time(), seconds=before + seconds, **facts)

    def _follow(self, event: Event) -> None:
        """Keep `run.json` in step with the epochs, for lists that do not read journals."""
        with contextlib.suppress(LeptonError):
            if isinstance(event, RunStarted):
                self.work.folder.update(state="running", process=this_process())
            elif isinstance(event, Controlled) and event.action in ("pause", "resume"):
                state = "paused" if event.action == "pause" else "running"
                self.work.folder.update(state=state)
            elif isinstance(event, Evaluated):
                best: dict[str, Any] = {"step": event.step, "epoch": event.epoch}
                best |= {"split": event.split, "metric": next(iter(event.values), "")}
                facts = {"best": {**best, **event.values}} if event.best else {}
                self.work.folder.update(step=event.step, epoch=event.epoch, **facts)

    def _started(self, trainer: Trainer) -> RunStarted:
        return RunStarted(
            run=self.run.name,
            model=self.work.built.entry.name,
            data=self.work.data.name,
            task=self.work.spec.task,
            metric=trainer.task.metric,
            epochs=trainer.epochs,
            steps_per_epoch=self.work.plan.steps_per_epoch,
            step=trainer.step,
            steps=trainer.steps,
            device=self.work.plan.device,
        )


_LIVE: weakref.WeakSet[Session] = weakref.WeakSet()
_SLOTS: dict[str, threading.Lock] = {}


@atexit.register
def _stop_all() -> None:
    """A thread inside torch must not be running while the interpreter is taken down."""
    live = list(_LIVE)
    for session in live:
        session.control.give("stop")
    for session in live:
        session.control.over.wait(PATIENCE_AT_EXIT)
    for thread in threading.enumerate():
        if thread.name.startswith("lepton-") and thread is not threading.current_thread():
            thread.join(2.0)
