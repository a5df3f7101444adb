# SPDX-License-Identifier: BSD-3-Clause
"""`Run`: a training that is under way or over, in this kernel or another.

Everything that it tells is read from the run's folder, so a run of last week, of another kernel or of a
crashed one answers like the one that trains in this cell.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.events import Event
from lepton_lab.journal import RunFolder
from lepton_lab.journal.folder import LIVE
from lepton_lab.journal.keeping import TRASH
from lepton_lab.spec import RunSpec, from_json
from lepton_lab.training.control import STOP_FILE

if TYPE_CHECKING:
    from lepton_lab.charts import History
    from lepton_lab.datasets import Dataset
    from lepton_lab.evaluation import Evaluation
    from lepton_lab.exporting import Artifact
    from lepton_lab.training import Control
    from lepton_lab.workbench.listing import Deleted
    from lepton_lab.workbench.model import LeptonModel
    from lepton_lab.workbench.predictions import Prediction, Predictions


class Run:
    """One training: its state, its numbers, its model.

    Args:
        folder: The run's folder.
        control: Its orders, when it trains in this process.
        data: Its data set, when this process has it.
    """

    def __init__(
        self, folder: RunFolder, control: Control | None = None, data: Dataset | None = None
    ) -> None:
        self.folder = folder
        self._control = control
        self._data = data
        self._model: LeptonModel | None = None
        self._error: BaseException | None = None
        self._lock = threading.RLock()
        self.displayed_in: int | None = None

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    @property
    def path(self) -> Path:
        """The run's folder on disk."""
        return self.folder.path

    @property
    def record(self) -> dict[str, Any]:
        """What `run.json` says: spec, plan, environment, data, model, state."""
        return self.folder.record

    @property
    def spec(self) -> RunSpec:
        """What was asked for."""
        return from_json(RunSpec, self.record["spec"])

    @property
    def state(self) -> str:
        """starting, running, paused, done, stopped, failed or crashed."""
        return str(self.record["state"])

    @property
    def events(self) -> list[Event]:
        """The journal, read now."""
        return list(self.folder.events())

    @property
    def chart(self) -> History:
        """The journal folded into series: what the charts draw."""
        from lepton_lab.charts import History

        return History.from_events(self.folder.events())

    @property
    def history(self) -> dict[str, list[float]]:
        """Name -> values, one per step ("train/loss", "learning_rate") or per epoch ("val/accuracy")."""
        from lepton_lab.events import Evaluated, RunStarted, StepDone

        table: dict[str, list[float]] = {"train/loss": [], "learning_rate": []}
        for event in self.folder.events():
            if isinstance(event, RunStarted):
                table.setdefault(f"val/{event.metric}", [])
            elif isinstance(event, StepDone):
                table["train/loss"].append(event.loss)
                table["learning_rate"].append(event.learning_rate)
            elif isinstance(event, Evaluated):
                for name, value in event.values.items():
                    table.setdefault(f"{event.split}/{name}", []).append(value)
        return table

    @property
    def best(self) -> dict[str, Any]:
        """Step, epoch and metrics of the best evaluation; empty before the first."""
        return dict(self.record.get("best", {}))

    @property
    def data(self) -> Dataset:
        """The data set; read again from where it came when this process does not have it."""
        if self._data is None:
            from lepton_lab.datasets import data

            spec = self.spec.data
            if not spec.path:
                raise LeptonError(
                    f"The data of run '{self.name}' was made in a notebook that is gone.",
                    "Only its summary is kept in the run.",
                    f"lab.evaluate(lab.run('{self.name}'), data)",
                )
            source = self.record["data"].get("source") or spec.path
            self._data = data(source, **_options(spec))
        return self._data

    @property
    def model(self) -> LeptonModel:
        """The trained model with the chosen weights. Waits while the run is under way."""
        self.wait()
        with self._lock:
            if self._model is None:
                from lepton_lab.workbench.loading import model_of_run

                self._model = model_of_run(self)
        return self._model

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Class names."""
        return tuple(self.record["model"]["classes"])

    def wait(self, timeout: float | None = None) -> Run:
        """Return when the run is over; raises its error when it failed in this process."""
        if self._control is not None:
            self._control.wait(timeout)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self

    def __await__(self) -> Generator[Any, None, Run]:
        """`await run` waits and leaves the kernel free for buttons and other cells."""
        import asyncio

        async def over() -> Run:
            while self._control is not None and not self._control.over.is_set():
                await asyncio.sleep(0.05)
            return self.wait()

        return over().__await__()

    def stop(self) -> Run:
        """Finish the step, save, load the best weights. Returns at once.

        A run that trains in another process is asked through a file called STOP in its folder.
        """
        if self._control is None and self.state in LIVE:
            (self.path / STOP_FILE).touch()
            return self
        return self._order("stop")

    def pause(self) -> Run:
        """Rest at the next step boundary, saved."""
        return self._order("pause")

    def resume(self, **options: Any) -> Run:
        """Go on after a pause; or, when the run was stopped or crashed, from its newest whole checkpoint."""
        if self._control is not None and not self._control.over.is_set():
            return self._order("resume")
        if self.state in LIVE:
            self._live()
        from lepton_lab.workbench.actions import resume

        going = resume(self, **options)
        self._control, self._model = going._control, going._model
        return going

    def set(self, **values: Any) -> Run:
        """Change values from the next step on: learning_rate, weight_decay, clip, patience, ...

        Raises:
            SpecError: A value is wrong or cannot change while training.
        """
        from lepton_lab.training.orders import check_changes

        return self._order("set", **check_changes(values))

    def rename(self, name: str) -> Run:
        """Give the run another name; its folder stays whole, and runs that began from it follow.

        Raises:
            LeptonError: The run is under way, or the name cannot be one or is taken.
        """
        from lepton_lab.journal import keeping

        self._settle()
        self._moved(keeping.rename(self.folder, name))
        return self

    def tag(self, *tags: str) -> Run:
        """Add tags, by which `lab.runs("*", tag=...)` finds the run.

        Raises:
            LeptonError: A tag is no name, or the run trains in another process.
        """
        from lepton_lab.workbench.listing import check_tags

        return self._write_tags({*self.tags, *check_tags(tags)})

    def untag(self, *tags: str) -> Run:
        """Take tags away; one that it does not have is no error."""
        return self._write_tags(set(self.tags) - set(tags))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags, in alphabetical order."""
        return tuple(self.record.get("tags") or ())

    def delete(self) -> Deleted:
        """Put the run into the trash of the runs folder. What is returned can undo it.

        Raises:
            LeptonError: The run is under way.
        """
        from lepton_lab.journal import keeping
        from lepton_lab.workbench.listing import Deleted

        self._settle()
        name = self.name
        self._moved(keeping.trash(self.folder))
        return Deleted(name, self)

    def checkpoint(self) -> Run:
        """Save at the next step boundary and keep that checkpoint for good."""
        return self._order("checkpoint")

    def evaluate_now(self, split: str | None = None) -> dict[str, float]:
        """The metrics of this moment, between two steps; training then goes on as if nothing had been."""
        found: dict[str, float] = self._ask("evaluate", **({"split": split} if split else {}))
        return found

    def predict_now(self, inputs: Any, top: int = 5) -> Prediction | Predictions:
        """Predict with the weights of this moment."""
        from lepton_lab.workbench.predicting import predict_with

        classes, preprocessing = self.classes, self.record["model"]["preprocessing"]
        work = partial(
            predict_with, inputs=inputs, classes=classes, preprocessing=preprocessing, top=top
        )
        found: Prediction | Predictions = self._ask("compute", work=work)
        return found

    def branch(self, step: int | None = None, **changes: Any) -> Run:
        """Start a child from a kept checkpoint, with some values changed: `run.branch(step=400, learning_rate=3e-5)`."""
        from lepton_lab.workbench.actions import branch

        return branch(self, step, **changes)

    def evaluate(self, data: Any = None, split: str | None = None) -> Evaluation:
        """Metrics of the run's model: see `lab.evaluate`."""
        from lepton_lab.workbench.actions import evaluate

        return evaluate(self, data, split)

    def predict(self, inputs: Any, top: int = 5) -> Prediction | Predictions:
        """See `lab.predict`."""
        return self.model.predict(inputs, top=top)

    def export(self, format: str = "onnx", to: Any = None) -> Artifact:
        """See `lab.export`."""
        from lepton_lab.workbench.actions import export

        return export(self, format, to=to)

    def show(self) -> Any:
        """The whole chart as it stands, in this cell."""
        from lepton_lab.charts import RunChart

        return RunChart(self.chart)

    def _order(self, action: str, **values: Any) -> Run:
        self._live().give(action, **values)
        return self

    def _ask(self, action: str, **values: Any) -> Any:
        """Give an order and wait for its answer."""
        control, answer = self._live(), Future[Any]()
        control.give(action, answer=answer, **values)
        while not answer.done():
            if control.over.wait(0.05) and not answer.done():
                answer.cancel()
        if answer.cancelled():
            raise LeptonError(
                f"Run '{self.name}' ended before it could answer.",
                "",
                f"lab.evaluate('{self.name}')",
            )
        return answer.result()

    def _live(self) -> Control:
        if self._control is None or self._control.over.is_set():
            raise LeptonError(
                f"Run '{self.name}' does not train in this kernel (it is {self.state}).",
                "Only a stop can be ordered from elsewhere." if self.state in LIVE else "",
                _instead(self.name, self.state),
            )
        return self._control

    def _settle(self) -> None:
        """A run that has just ended may still be closing its files."""
        if self._control is not None and self.state not in LIVE:
            self._control.over.wait(5.0)

    def _moved(self, path: Path) -> None:
        """The folder lies elsewhere now; the handle goes with it."""
        from lepton_lab.workbench import listing

        known = listing.forget(self)
        self.folder.path = path
        if known and path.parent.name != TRASH:
            listing.remember(self)

    def _write_tags(self, tags: Iterable[str]) -> Run:
        if self._control is None and self.state in LIVE:
            self._live()
        self.folder.update(tags=sorted(tags))
        return self

    def fail(self, error: BaseException) -> None:
        """Keep the error that ended the run, for the one who waits."""
        self._error = error

    def __repr__(self) -> str:
        return f"Run({self.name!r}, {self.state})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from lepton_lab.workbench.cards import run_card

        try:
            return run_card(self)
        except StorageError:
            return {"text/plain": f"Run({self.name!r})"}

    def _ipython_display_(self) -> None:
        """Nothing in the cell that has just shown the live view of this run; the card in every other."""
        from IPython.display import display

        if self.displayed_in is None or self.displayed_in != cell_number():
            display(self._repr_mimebundle_(), raw=True)  # type: ignore[no-untyped-call]


def _instead(name: str, state: str) -> str:
    """What to type for a run that takes no orders here."""
    if state in LIVE:
        return f"%lepton runs stop {name}"
    return (
        f"lab.resume('{name}')"
        if state in ("stopped", "crashed", "failed")
        else f"lab.run('{name}')"
    )


def cell_number() -> int | None:
    """The number of the cell that is running; None outside IPython."""
    import sys

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return None if shell is None else int(shell.execution_count)


def _options(spec: Any) -> dict[str, Any]:
    from lepton_lab.spec import changes

    return {name: value for name, value in changes(spec).items() if name != "path"}
