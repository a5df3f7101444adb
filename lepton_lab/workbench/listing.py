# SPDX-License-Identifier: BSD-3-Clause
"""All runs of this project, of every kernel, read from their folders."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import StorageError
from lepton_lab.journal import run_folders, runs_root
from lepton_lab.journal.folder import find_run
from lepton_lab.rendering import Table, duration
from lepton_lab.workbench.handle import Run

if TYPE_CHECKING:
    import pandas

_OPEN: dict[str, Run] = {}


def remember(run: Run) -> None:
    """Keep the handle of a run that trains in this process, so that `lab.run(name)` can give it orders."""
    _OPEN[str(run.path)] = run


def run(name: str) -> Run:
    """The run called `name`, from whatever kernel. Raises NotFoundError with the nearest names."""
    folder = find_run(name)
    return _OPEN.get(str(folder.path)) or Run(folder)


def runs(pattern: str = "*") -> RunList:
    """The runs whose name matches a shell wildcard, newest first."""
    return RunList(
        [
            _OPEN.get(str(f.path)) or Run(f)
            for f in run_folders()
            if fnmatch.fnmatch(f.name, pattern)
        ]
    )


class RunList(Sequence[Run]):
    """Runs, newest first, as a table."""

    def __init__(self, items: Sequence[Run]) -> None:
        self.items = list(items)

    def __getitem__(self, index: Any) -> Any:
        return RunList(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def names(self) -> list[str]:
        """The runs' names."""
        return [item.name for item in self.items]

    def rows(self) -> list[dict[str, Any]]:
        """One plain record per run; a folder that cannot be read is shown as damaged."""
        return [_row(item) for item in self.items]

    def to_pandas(self) -> pandas.DataFrame:
        """`rows()` as a table."""
        import pandas

        return pandas.DataFrame(self.rows())

    def table(self) -> Table:
        """Name, state, metric and time of each; the best finished one is marked."""
        rows = self.rows()
        cells = [
            (
                r["name"],
                r["state"],
                r["model"],
                r["data"],
                "" if r["metric"] is None else f"{r['metric']:.3f}",
                "" if r["epoch"] is None else r["epoch"],
                duration(r["seconds"]) if r["seconds"] else "",
            )
            for r in rows
        ]
        scores = [(r["metric"], i) for i, r in enumerate(rows) if r["metric"] is not None]
        best = frozenset({max(scores)[1]}) if len(scores) > 1 else frozenset()
        columns = ("run", "state", "model", "data", "val accuracy", "best epoch", "time")
        title = f"{len(rows)} run{'s' * (len(rows) != 1)} in {runs_root().name}"
        return Table(
            columns, cells, title, "" if rows else "Train one: %lepton train MODEL DATA", best
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.table()._repr_mimebundle_()


def _row(item: Run) -> dict[str, Any]:
    try:
        record = item.record
    except StorageError:
        record = {"state": "damaged"}
    best = record.get("best") or {}
    seconds = record.get("seconds")
    if seconds is None and record.get("state") in ("running", "paused"):
        seconds = time.time() - record.get("created", time.time())
    return {
        "name": item.name,
        "state": record["state"],
        "model": record.get("model", {}).get("name", ""),
        "data": record.get("data", {}).get("name", ""),
        "metric": best.get("accuracy"),
        "epoch": best.get("epoch"),
        "seconds": seconds,
        "created": record.get("created"),
    }
