# SPDX-License-Identifier: BSD-3-Clause
"""`Studio`: what a cell holds. It shows the page where there is one, and text where there is none."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lepton_lab.charts import History, document
from lepton_lab.errors import LeptonError
from lepton_lab.journal.folder import LIVE
from lepton_lab.studio.controller import Controller
from lepton_lab.studio.state import State
from lepton_lab.studio.steps import STEPS
from lepton_lab.studio.steps.cleaning import opened
from lepton_lab.studio.view import card, code
from lepton_lab.views import in_kernel
from lepton_lab.widgets.bundle import bundle

if TYPE_CHECKING:
    from lepton_lab.datasets import Dataset
    from lepton_lab.evaluation import Evaluation
    from lepton_lab.exporting import Artifact
    from lepton_lab.studio.widget import StudioWidget
    from lepton_lab.workbench import Cleaning, Run

_latest: list[Studio] = []


class Studio:
    """Model, data, training, evaluation and export in one widget.

    Everything that it makes is an object of the API: `studio.run`, `studio.evaluation`. It never keeps
    the kernel waiting.

    Args:
        model: Name of a model to begin with.
        data: Folder, table or sample to begin with; it is read at once.
        step: The step to open: model, data, train, run, evaluate or export.

    Raises:
        LeptonError: There is no such step, or model or data is not given by name.
    """

    def __init__(self, model: Any = None, data: Any = None, *, step: str | None = None) -> None:
        self._widget: StudioWidget | None = None
        self._still: Any = None
        self._standing: list[Any] = []
        self.controller = Controller(self._changed)
        if model is not None:
            self.controller.set("model", "name", _name(model, "model"))
        if data is not None:
            self.controller.set("data", "path", _name(data, "data"))
            self.controller.press("data", "load")
        if step or data is not None:
            self.controller.open(step or "data")
        _latest[:] = [self]

    @classmethod
    def reopen(cls, model: Any = None, data: Any = None, *, step: str | None = None) -> Studio:
        """The Studio that is open in this kernel, as it stands; a new one when words are given."""
        if not _latest or model is not None or data is not None:
            return cls(model, data, step=step)
        if step:
            _latest[0].controller.open(step)
        return _latest[0]

    @property
    def state(self) -> State:
        """Everything that it knows now."""
        return self.controller.state

    @property
    def data(self) -> Dataset | None:
        """The data set that was read."""
        found: Dataset | None = self.state.result("data")
        return found

    @property
    def cleaning(self) -> Cleaning | None:
        """The cleaning of the data, if one is open."""
        return opened(self.state)

    @property
    def run(self) -> Run | None:
        """The run that is shown: the one that was started last, or another that was chosen."""
        found: Run | None = self.state.result("train")
        return found

    @property
    def evaluation(self) -> Evaluation | None:
        """The last evaluation."""
        found: Evaluation | None = self.state.result("evaluate")
        return found

    @property
    def artifact(self) -> Artifact | None:
        """The artifact that was exported last."""
        found: Artifact | None = self.state.result("export")
        return found

    def code(self, language: str = "python", step: str = "") -> str:
        """The cell that does the same as a step; of the open one when none is named.

        Args:
            language: "python" or "magic".
            step: model, data, train, run, evaluate or export.
        """
        return code(self.state, step or self.state.open, language)

    def wait(self, timeout: float | None = None) -> Studio:
        """Wait for the work under way; a run goes on."""
        self.controller.wait(timeout)
        return self

    def _changed(self, state: State) -> None:
        if self._widget is not None:
            self._widget.show(state)
        standing = [STEPS[key].mark(state) for key in STEPS]
        if self._still is not None and standing != self._standing:
            self._standing = standing
            self._still.update(_still(state), raw=True)

    def _shown(self) -> StudioWidget:
        from lepton_lab.studio.widget import StudioWidget
        from lepton_lab.workbench import bench

        if self._widget is None:
            self._widget = StudioWidget(self.controller, bench().device)
        return self._widget

    def __repr__(self) -> str:
        return card(self.state).text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return dict(card(self.state)._repr_mimebundle_())

    def _ipython_display_(self) -> None:
        """The page, and below it the card that a notebook without a kernel shows in its place."""
        from IPython.display import display

        show: Callable[..., Any] = display
        if not in_kernel() or importlib.util.find_spec("anywidget") is None:
            show(self._repr_mimebundle_(), raw=True)
            return
        page = bundle(self._shown().model_id, "studio", {"text/plain": "Lepton Studio"})
        show(page, raw=True)
        self._still = show(_still(self.state), raw=True, display_id=True)


def _still(state: State) -> dict[str, Any]:
    """The card as it is saved, with the run; the style sheet of the living page hides it."""
    static, run = card(state), state.result("train")
    return {
        **(_document(run) if run is not None else {}),
        "text/html": f'<div class="lepton-studio-still">{static.html()}</div>',
        "text/plain": static.text(),
    }


def _document(run: Any) -> dict[str, Any]:
    """The run by its MIME type, which our extension draws below the card."""
    history = History.from_events(run.folder.events())
    if run.state not in LIVE:
        history.end()
    drawn = document.run_document(history, document.from_notebook(run.folder.path))
    return {document.MIME: {**drawn, "run": run.name}}


def _name(value: Any, kind: str) -> str:
    """A name or path as text."""
    if isinstance(value, (str, os.PathLike)):
        return os.fsdecode(value)
    raise LeptonError(
        f"The Studio takes the {kind} by name or path, not as {type(value).__name__}.",
        "Its code must work in another notebook too.",
        "lab.Studio('lepton_glyphs', 'digits')",
    )
