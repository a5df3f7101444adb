# SPDX-License-Identifier: BSD-3-Clause
"""The runs of all notebooks: the list, one run's picture and what a cell keeps of it, orders, any journal's picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, TypeVar, cast

import tornado.web
from jupyter_server.auth.decorator import authorized

from lepton_lab.charts import History, document, final_bundle, run_document
from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.jupyter.answers import RunDocument, RunList
from lepton_lab.jupyter.handler import LeptonHandler, Route
from lepton_lab.jupyter.orders import post
from lepton_lab.jupyter.places import is_plain_file
from lepton_lab.jupyter.project import Project
from lepton_lab.jupyter.watched import Watched

T = TypeVar("T")


class Runs(LeptonHandler):
    """`GET runs`: every run under the server's root."""

    @tornado.web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with a `RunList`."""
        await self.answer(lambda: RunList(runs=[run.row for run in self.project.runs()]))


class Run(LeptonHandler):
    """`GET runs/{id}`: a run as the renderer draws it."""

    @tornado.web.authenticated
    @authorized
    async def get(self, number: str) -> None:
        """Answer with a `RunDocument`."""
        await self.answer(lambda: _document_of(self.project, self.project.run(number)))


class Bundle(LeptonHandler):
    """`GET runs/{id}/bundle`: what the cell of a run keeps when it is over.

    A page that was loaded again while the run went on is not told by the kernel, and gets it here.
    """

    @tornado.web.authenticated
    @authorized
    async def get(self, number: str) -> None:
        """Answer with a MIME bundle."""
        await self.answer(lambda: _bundle_of(self.project, self.project.run(number)))


class Orders(LeptonHandler):
    """`POST runs/{id}/orders`: an order to a run under way, in whatever process it trains."""

    @tornado.web.authenticated
    @authorized
    async def post(self, number: str) -> None:
        """Answer with `Posted`; 409 when the run is over."""
        body = self.request.body
        await self.answer(lambda: post(self.project.run(number), body), 202)


class Journal(LeptonHandler):
    """`GET journal?path=`: the picture of any `events.jsonl`."""

    @tornado.web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with a `RunDocument`."""
        path = self.argument("path")
        await self.answer(lambda: _document_at(self.project, path))


def _document_of(project: Project, run: Watched) -> RunDocument:
    history, beside = _history_of(project, run), _beside(run)
    drawn = _drawn(run.path.name, lambda: run_document(history, beside))
    return cast(RunDocument, {**drawn, "run": drawn["run"] or run.path.name})


def _bundle_of(project: Project, run: Watched) -> dict[str, Any]:
    history, beside = _history_of(project, run), _beside(run)
    drawn = _drawn(run.path.name, lambda: final_bundle(history, beside))
    return {**drawn, document.MIME: _document_of(project, run)}


def _history_of(project: Project, run: Watched) -> History:
    history = project.history(run.path / "events.jsonl")
    if not run.live:
        history.end()
    return history


def _document_at(project: Project, path: str) -> RunDocument:
    place = project.root.inside(path)
    if place.suffix != ".jsonl" or not is_plain_file(place):
        raise LeptonError(
            f"'{place.name}' is no journal.",
            "A journal is a file of JSON lines that ends with .jsonl.",
            "Open the events.jsonl of a run.",
        )
    run = next((run for run in project.runs() if run.path == place.parent), None)
    if run is not None and place.name == "events.jsonl":
        return _document_of(project, run)
    history = project.history(place)
    if not history.version:
        raise StorageError(
            f"'{place.name}' cannot be drawn.",
            "None of its lines is an event of a run.",
            "Open the events.jsonl of a run.",
        )
    history.end()
    return cast(RunDocument, _drawn(place.name, lambda: run_document(history)))


def _drawn(name: str, draw: Callable[[], T]) -> T:
    """What `draw` makes of a journal; numbers that no picture can hold are an error of the file."""
    try:
        return draw()
    except (ValueError, ArithmeticError, TypeError) as error:
        raise StorageError(f"The journal of '{name}' cannot be drawn.", str(error)) from error


def _beside(run: Watched) -> str:
    """The run's folder, relative to the notebook that it was started in; "" where that is unknown."""
    notebook = run.row["notebook"]
    if run.name is None or not notebook:
        return ""
    home, folder = PurePosixPath(notebook).parent, PurePosixPath(run.name)
    return folder.relative_to(home).as_posix() if folder.is_relative_to(home) else ""


_ID = r"runs/([0-9a-f]{16})"
ROUTES = (
    Route(r"runs", Runs),
    Route(_ID, Run),
    Route(rf"{_ID}/bundle", Bundle),
    Route(rf"{_ID}/orders", Orders),
    Route(r"journal", Journal),
)
