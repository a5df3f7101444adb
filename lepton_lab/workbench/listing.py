# SPDX-License-Identifier: BSD-3-Clause
"""All runs of this project, of every kernel, read from their folders; and those that train here."""

from __future__ import annotations

import fnmatch
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError, NotFoundError, StorageError
from lepton_lab.journal import RunFolder, keeping, run_folders, runs_root
from lepton_lab.journal.folder import NAME, find_run
from lepton_lab.mailbox import check_changes
from lepton_lab.rendering import Card, Table, duration
from lepton_lab.workbench.handle import Run

if TYPE_CHECKING:
    import pandas

logger = logging.getLogger(__name__)
_OPEN: dict[str, Run] = {}
_HOSTS: dict[str, Callable[[Any], None]] = {}
ORDERS = ("stop", "pause", "resume", "set", "checkpoint", "evaluate")


def remember(run: Run) -> None:
    """Keep the handle of a run that trains in this process, so that `lab.run(name)` can give it orders."""
    _OPEN[str(run.path)] = run


def forget(run: Run) -> bool:
    """No longer keep a handle; tells whether it was kept."""
    return _OPEN.pop(str(run.path), None) is not None


def host(name: str, start: Callable[[Any], None]) -> None:
    """Have the branches of a run that a page orders begun by what shows the run.

    Args:
        name: The run's name.
        start: Called with the step, or None for the latest checkpoint; returns at once.
    """
    _HOSTS[name] = start


def order(name: str, action: str, values: Mapping[str, Any]) -> None:
    """Order something of a run under way, here or in another process; or start a branch of any run.

    Args:
        name: The run's name.
        action: stop, pause, resume, set, checkpoint, evaluate or branch.
        values: What `set` sets, the split that is evaluated, or the step to branch from.

    Raises:
        LeptonError: No run of that name is under way, or it cannot be asked for this.
    """
    found = next((item for item in list(_OPEN.values()) if item.name == name), None)
    found = found or Run(find_run(name))
    if action == "branch" and name in _HOSTS:
        _HOSTS[name](values.get("step"))
        return
    if action == "branch":
        threading.Thread(target=_branch, args=(found, values.get("step")), daemon=True).start()
        return
    if action not in ORDERS:
        raise NotFoundError(f"No run can '{action}'.")
    found._order(action, **(check_changes(dict(values)) if action == "set" else values))


def _branch(parent: Run, step: Any) -> None:
    """Start a branch that was ordered from the page; its card appears below the parent's."""
    from lepton_lab.widgets import cells

    cells.tie(parent.name)
    try:
        parent.branch(step=None if step is None else int(step), background=True)
    except Exception as error:
        logger.warning("A branch of %s could not be started: %s", parent.name, error)


def run(name: str = "") -> Run:
    """The run called `name`, from whatever kernel; the latest when left out.

    Raises:
        NotFoundError: With the nearest names.
    """
    if not name:
        from lepton_lab.workbench.resolve import resolve_run

        return resolve_run()
    folder = find_run(name)
    return _OPEN.get(str(folder.path)) or Run(folder)


def runs(pattern: str = "*", tag: str = "") -> RunList:
    """The runs whose name matches a shell wildcard, newest first; with a tag, those that bear it."""
    found = [
        _OPEN.get(str(folder.path)) or Run(folder)
        for folder in run_folders()
        if fnmatch.fnmatch(folder.name, pattern)
    ]
    return RunList([item for item in found if not tag or tag in _row(item)["tags"]])


def restore(name: str) -> Run:
    """Bring a deleted run back from the trash.

    Raises:
        NotFoundError: It is not there.
        LeptonError: Another run has its name now.
    """
    return Run(RunFolder(keeping.restore(name)))


def check_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """The tags; raises LeptonError for one that is no plain name, and for none at all."""
    wrong = [tag for tag in tags if not (isinstance(tag, str) and NAME.fullmatch(tag))]
    if wrong or not tags:
        raise LeptonError(
            f"{wrong[0]!r} cannot be a tag." if wrong else "No tag was named.",
            "Tags have letters, digits, '.', '_' and '-', and start with a letter or digit.",
            "run.tag('baseline')",
        )
    return tuple(tags)


@dataclass(frozen=True)
class Deleted:
    """A run that was put into the trash.

    Attributes:
        name: The name that it had.
        run: Its handle, which still reads its folder.
    """

    name: str
    run: Run

    def undo(self) -> Run:
        """Bring it back."""
        self.run._moved(keeping.restore(self.run.path.name))
        return self.run

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        place = f"{runs_root().name}/{keeping.TRASH}/{self.run.path.name}"
        steps = [f"%lepton runs restore {self.run.path.name}"]
        return Card(f"{self.name}: deleted", {"kept in": place}, (), steps)._repr_mimebundle_()


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
        """Name, state, metric and time of each; of several runs on the same data the best one is marked."""
        rows = self.rows()
        metrics = list(dict.fromkeys(r["metric_name"] for r in rows if r["metric"] is not None))
        cells: list[tuple[Any, ...]] = [
            (
                r["name"],
                r["state"],
                r["model"] + (" (random)" if r["weights"] == "random" else ""),
                r["data"],
                _value(r, named=len(metrics) > 1),
                r["epoch"] or "",
                duration(r["seconds"]) if r["seconds"] else "",
            )
            for r in rows
        ]
        columns: tuple[str, ...] = (
            "run",
            "state",
            "model",
            "data",
            f"val {_words(metrics[0])}" if len(metrics) == 1 else "best on val",
            "best epoch",
            "time",
        )
        if any(r["tags"] for r in rows):
            columns = (*columns, "tags")
            cells = [(*c, ", ".join(r["tags"])) for c, r in zip(cells, rows, strict=True)]
        title = f"{len(rows)} run{'s' * (len(rows) != 1)} in {runs_root().name}"
        note = "" if rows else "Train one: %lepton train MODEL DATA"
        return Table(columns, cells, title, note, _best(rows))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.table()._repr_mimebundle_()


def _best(rows: Sequence[dict[str, Any]]) -> frozenset[int]:
    """The best of each group of runs that can be compared: the same samples, the same metric."""
    groups: dict[tuple[str, ...], list[tuple[float, int]]] = {}
    for number, row in enumerate(rows):
        if row["score"] is not None:
            group = (row["data"], row["split"], row["metric_name"])
            groups.setdefault(group, []).append((row["score"], number))
    return frozenset(max(group)[1] for group in groups.values() if len(group) > 1)


def _value(row: dict[str, Any], *, named: bool) -> str:
    if row["metric"] is None:
        return ""
    name = f" {_words(row['metric_name'])}" if named else ""
    elsewhere = f" on {row['split']}" if row["split"] != "val" else ""
    return f"{row['metric']:.3f}{name}{elsewhere}"


def _words(metric: str) -> str:
    return metric.replace("_", " ")


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
        "weights": record.get("model", {}).get("weights", ""),
        "data": record.get("data", {}).get("name", ""),
        "metric": best.get(best.get("metric", "accuracy")),
        "metric_name": best.get("metric", ""),
        "score": best.get("score"),
        "split": best.get("split", "val"),
        "epoch": best.get("epoch"),
        "seconds": seconds,
        "created": record.get("created"),
        "tags": list(record.get("tags") or ()),
    }
