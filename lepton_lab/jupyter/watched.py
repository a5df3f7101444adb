# SPDX-License-Identifier: BSD-3-Clause
"""One run that the server watches: its record and its journal, each read only when it changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from lepton_lab.errors import StorageError
from lepton_lab.journal import RunFolder
from lepton_lab.journal.folder import LIVE
from lepton_lab.journal.process import alive
from lepton_lab.jupyter.answers import RunRow
from lepton_lab.jupyter.digest import Digest
from lepton_lab.jupyter.places import is_plain_file
from lepton_lab.jupyter.plain import dig, number, text, texts, whole
from lepton_lab.metrics import wilson

DAMAGED: dict[str, Any] = {"state": "damaged"}
# Metrics that are a share of the samples, so that their interval follows from the number of samples.
SHARES = ("accuracy",)


class Watched:
    """A run's folder.

    Args:
        path: The folder, all links resolved.
        name: The folder as the contents API has it, or None.

    Attributes:
        id: Its number in routes.
        row: What a list says of it, as of the last `look`.
    """

    def __init__(self, path: Path, name: str | None) -> None:
        self.path, self.name = path, name
        self.id = run_id(path)
        self._digest = Digest(path / "events.jsonl")
        self._record: dict[str, Any] = DAMAGED
        self._seen: tuple[int, int, int] | None = None
        self.row = self._row()

    def look(self) -> None:
        """Read what changed, and see whether its process is still there."""
        self._digest.read_on()
        try:
            about = (self.path / "run.json").lstat()
            now = (about.st_ino, about.st_size, about.st_mtime_ns)
        except OSError:
            now = None
        if now is None or now != self._seen:
            self._record, self._seen = _record(self.path), now
        self.row = self._row()

    @property
    def state(self) -> str:
        """The state, "crashed" when the process is gone, "damaged" when the record cannot be read."""
        return self.row["state"]

    @property
    def live(self) -> bool:
        """Whether the run is under way."""
        return self.state in LIVE

    @property
    def fraction(self) -> float:
        """Share of the steps that are done, 0 to 1."""
        step, steps = self.row["step"], self.row["steps"]
        return min(max(step / steps, 0.0), 1.0) if steps > 0 else 0.0

    @property
    def record(self) -> dict[str, Any]:
        """The content of `run.json` as it was read last."""
        return self._record

    def _state(self) -> str:
        state = text(self._record, "state")
        gone = state in LIVE and not alive(dig(self._record, "process") or {})
        return "crashed" if gone else state

    def _row(self) -> RunRow:
        record, digest, state = self._record, self._digest, self._state()
        started = digest.started
        metric = (started.metric if started else "") or "accuracy"
        value, split = self._best(metric)
        low, high = _interval(metric, value, whole(record, "data", "splits", split))
        ended = (digest.time or None) if state == "crashed" else number(record, "ended")
        return {
            "id": self.id,
            "name": text(record, "name") or self.path.name,
            "folder": self.name,
            "state": state,
            "model": text(record, "model", "name") or (started.model if started else ""),
            "data": text(record, "data", "name") or (started.data if started else ""),
            "metric": metric,
            "value": value,
            "low": low,
            "high": high,
            "step": digest.step,
            "steps": (started.steps or started.epochs * started.steps_per_epoch) if started else 0,
            "epoch": digest.epoch,
            "epochs": started.epochs if started else whole(record, "spec", "train", "epochs"),
            "started": number(record, "created"),
            "ended": None if state in LIVE else ended,
            "spark": digest.spark.values(),
            "parent": text(record, "parent", "run") or None,
            "notebook": text(record, "origin", "notebook"),
            "kernel": text(record, "origin", "kernel"),
            "tags": texts(record, "tags"),
        }

    def _best(self, metric: str) -> tuple[float | None, str]:
        """The best value and the split that it was measured on."""
        best = self._digest.best
        if best is not None and metric in best.values:
            return number(best.values, metric), best.split
        ended = self._digest.ended
        found = number(self._record, "best", metric)
        if found is None and ended is not None:
            found = number(ended.best, metric)
        return found, text(self._record, "best", "split") or "val"


def run_id(path: Path) -> str:
    """The number of a run: the same as long as its folder stays where it is."""
    return hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _record(path: Path) -> dict[str, Any]:
    if not is_plain_file(path / "run.json"):
        return DAMAGED
    try:
        return RunFolder(path).record
    except StorageError:
        return DAMAGED


def _interval(metric: str, value: float | None, n: int) -> tuple[float | None, float | None]:
    if metric not in SHARES or value is None or not 0 <= value <= 1 or n < 1:
        return None, None
    low, high = wilson(value * n, n)
    return round(low, 6), round(high, 6)
