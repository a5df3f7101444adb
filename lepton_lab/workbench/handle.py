# SPDX-License-Identifier: BSD-3-Clause
"""`Run`: a training that is under way or over, in this kernel or another.

Everything that it tells is read from the run's folder, so a run of last week, of another kernel or of a
crashed one answers like the one that trains in this cell.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.events import Event
from lepton_lab.journal import RunFolder
from lepton_lab.journal.folder import LIVE
from lepton_lab.journal.keeping import TRASH
from lepton_lab.spec import RunSpec, from_json
from lepton_lab.workbench.steering import Steering

if TYPE_CHECKING:
    from lepton_lab.charts import History
    from lepton_lab.datasets import Dataset
    from lepton_lab.evaluation import Evaluation, Report
    from lepton_lab.exporting import Artifact
    from lepton_lab.training import Control
    from lepton_lab.workbench.compressed import Compression
    from lepton_lab.workbench.following import Follower
    from lepton_lab.workbench.listing import Deleted
    from lepton_lab.workbench.model import LeptonModel


class Run(Steering):
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
        self._shown: list[Follower] = []
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
        from lepton_lab.workbench.following import whole

        return whole(self.folder)

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
            from lepton_lab.workbench.loading import data_of_run

            self._data = data_of_run(self.folder)
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
        control = self._control or self._reached()
        if control is None or control.wait(timeout):
            for shown in self._shown:
                shown.wait()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self

    def __await__(self) -> Generator[Any, None, Run]:
        """`await run` waits and leaves the kernel free for buttons and other cells."""
        import asyncio

        async def over() -> Run:
            control = self._control or self._reached()
            while control is not None and not control.over.is_set():
                await asyncio.sleep(0.05)
                control.poll()
            return self.wait()

        return over().__await__()

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

    def branch(self, step: int | None = None, **changes: Any) -> Run:
        """Start a child from a kept checkpoint, with some values changed: `run.branch(step=400, learning_rate=3e-5)`."""
        from lepton_lab.workbench.going_on import branch

        return branch(self, step, **changes)

    def evaluate(
        self, data: Any = None, split: str | None = None, *, cost: Any = None
    ) -> Evaluation | Report:
        """Metrics of the run's model: see `lab.evaluate`."""
        from lepton_lab.workbench.judging import evaluate

        return evaluate(self, data, split, cost=cost)

    def predict(self, inputs: Any, top: int = 5) -> Any:
        """See `lab.predict`."""
        return self.model.predict(inputs, top=top)

    def export(
        self, format: str = "onnx", to: Any = None, baseline: bool = False, *, cost: Any = None
    ) -> Artifact:
        """See `lab.export`."""
        from lepton_lab.workbench.shipping import export

        return export(self, format, to=to, baseline=baseline, cost=cost)

    def compress(self, data: Any = None, **options: Any) -> Compression:
        """Make its model smaller, by evidence: see `lab.compress`."""
        from lepton_lab.workbench.compressing import compress

        return compress(self, data, **options)

    def show(self) -> Any:
        """The whole chart in this cell, from whatever kernel; while the run trains it goes on there."""
        from lepton_lab.charts import RunChart
        from lepton_lab.workbench.following import Follower
        from lepton_lab.workbench.watching import watch

        if self._reached() is None:
            return RunChart(self.chart)
        view = watch("auto", self.folder, self._data)
        self._shown.append(Follower(self.folder, view, lambda: self._reached() is not None).start())
        return None

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
        if self.elsewhere and self.state in LIVE:
            raise LeptonError(
                f"Run '{self.name}' trains in another process, which writes its record.",
                "Its tags can be changed when it is over.",
                f"lab.run('{self.name}').wait()",
            )
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


def cell_number() -> int | None:
    """The number of the cell that is running; None outside IPython."""
    import sys

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return None if shell is None else int(shell.execution_count)
