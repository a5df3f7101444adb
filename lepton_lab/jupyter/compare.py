# SPDX-License-Identifier: BSD-3-Clause
"""Two or more runs side by side: their curves, their best, and the settings that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tornado.web
from jupyter_server.auth.decorator import authorized

from lepton_lab.charts.decimate import Floats, min_max
from lepton_lab.errors import SpecError
from lepton_lab.jupyter.answers import ComparedRun, Comparison
from lepton_lab.jupyter.handler import LeptonHandler, Route
from lepton_lab.jupyter.plain import dig, number, text
from lepton_lab.jupyter.project import KEPT_WHOLE, Project
from lepton_lab.jupyter.watched import Watched
from lepton_lab.spec import RunSpec, changes, from_json

POINTS = 500
_TOLD_ELSEWHERE = ("name", "reasons", "path", "steps", "steps_per_epoch")


class Compare(LeptonHandler):
    """`GET compare?id=a&id=b`."""

    @tornado.web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with a `Comparison`."""
        numbers = list(dict.fromkeys(self.get_query_arguments("id")))
        await self.answer(lambda: comparison(self.project, numbers))


def comparison(project: Project, numbers: Sequence[str]) -> Comparison:
    """The runs of these ids beside each other.

    Raises:
        SpecError: They are too few or too many.
        NotFoundError: One of them is not there.
    """
    if not 2 <= len(numbers) <= KEPT_WHOLE:
        raise SpecError(
            f"{len(numbers)} runs cannot be compared.",
            f"2 to {KEPT_WHOLE} different ones can.",
            "Select some in the list of runs.",
        )
    runs = [project.run(number) for number in numbers]
    found = [settings(run.record) for run in runs]
    return {
        "runs": [_compared(project, run) for run in runs],
        "differences": [[name, values] for name, values in differing(found)],
    }


def settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting that decides a run, by a dotted name; what was decided for an `auto` stands for it."""
    parts = {
        "model.": dig(record, "spec", "model"),
        "data.": dig(record, "spec", "data"),
        "": dig(record, "spec", "train"),
    }
    found = {
        "model": text(record, "model", "name"),
        "weights": text(record, "model", "weights"),
        "data": text(record, "data", "name"),
        "data fingerprint": text(record, "data", "fingerprint")[:12],
        "task": text(record, "spec", "task"),
        "began from": text(record, "parent", "run"),
    }
    for prefix, values in [*parts.items(), ("", dig(record, "plan"))]:
        if isinstance(values, Mapping):
            found |= {
                f"{prefix}{name}": value
                for name, value in values.items()
                if name not in _TOLD_ELSEWHERE
            }
    return found


def differing(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Any]]]:
    """The settings that are not the same in all, each with its value in every run.

    >>> differing([{"epochs": 3, "seed": 1}, {"epochs": 5, "seed": 1}])
    [('epochs', [3, 5])]
    """
    names = dict.fromkeys(name for one in found for name in one)
    rows = ((name, [one.get(name) for one in found]) for name in names)
    return [(name, row) for name, row in rows if any(value != row[0] for value in row)]


def _compared(project: Project, run: Watched) -> ComparedRun:
    view = project.history(run.path / "events.jsonl").snapshot()
    curves = {"train/loss": _points(view.column("step"), view.column("loss"))}
    for (split, name), (steps, values) in view.metrics.items():
        curves[f"{split}/{name}"] = _points(steps, values)
    best = dig(run.record, "best")
    best = best if isinstance(best, Mapping) and best else view.best
    return {
        "id": run.id,
        "name": run.row["name"],
        "curves": {name: points for name, points in curves.items() if points},
        "best": {name: value for name in best if (value := number(best, name)) is not None},
        "spec": _asked(run.record),
    }


def _points(steps: Floats, values: Floats) -> list[list[float | None]]:
    x, y = min_max(steps, values, POINTS)
    pairs = zip(x.tolist(), np.where(np.isfinite(y), y, np.nan).tolist(), strict=True)
    return [[int(step), float(f"{value:.6g}")] for step, value in pairs]


def _asked(record: Mapping[str, Any]) -> dict[str, Any]:
    """What was set by hand, part by part of the spec; nothing when it cannot be read."""
    try:
        spec = from_json(RunSpec, dig(record, "spec") or {})
    except SpecError:
        return {}
    return {part: changes(getattr(spec, part)) for part in ("model", "data", "train")}


ROUTES = (Route(r"compare", Compare),)
