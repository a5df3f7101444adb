# SPDX-License-Identifier: BSD-3-Clause
"""A run's folder: `run.json`, `events.jsonl`, `checkpoints/`, `artifacts/`.

`run.json` says what was asked for and where it stands; `events.jsonl` is the journal and the truth.
Both can be read while the run trains, from any process. A run that says "running" while its process
is gone is reported as "crashed".
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lepton_lab import durable
from lepton_lab.errors import LeptonError, NotFoundError, StorageError, did_you_mean
from lepton_lab.events import Event, from_line
from lepton_lab.journal.process import alive, this_process

FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
LIVE = ("starting", "queued", "running", "paused")


def runs_root() -> Path:
    """Where runs are kept: `LEPTON_RUNS`, or `lepton-runs` beside the notebook."""
    return Path(os.environ.get("LEPTON_RUNS") or "lepton-runs").expanduser().absolute()


class RunFolder:
    """One run on disk.

    Args:
        path: The folder. It must hold a `run.json`; `new_run` makes one.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._writing = threading.Lock()

    @property
    def name(self) -> str:
        """The run's name, which is its folder's."""
        return self.path.name

    @property
    def record(self) -> dict[str, Any]:
        """The content of `run.json`, with the state corrected when the process is gone.

        Raises:
            StorageError: The file is damaged or missing.
        """
        record = self._read()
        if record["state"] in LIVE and not alive(record.get("process") or {}):
            record["state"] = "crashed"
        return record

    def update(self, **changes: Any) -> None:
        """Write `changes` over the record, whole or not at all."""
        with self._writing:
            durable.write_json(self.path / "run.json", _finite({**self._read(), **changes}))

    def _read(self) -> dict[str, Any]:
        record = durable.read_json(self.path / "run.json")
        if not isinstance(record, dict) or not isinstance(record.get("state"), str):
            raise StorageError(
                f"{self.path / 'run.json'} cannot be read.", "It is not the record of a run."
            )
        return record

    def events(self) -> Iterator[Event]:
        """The journal in order; a torn line (the last one after a power cut) is left out."""
        try:
            file = (self.path / "events.jsonl").open(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"{self.journal} cannot be read.", str(error)) from error
        with file:
            for line in file:
                try:
                    yield from_line(line)
                except ValueError:
                    continue

    @property
    def journal(self) -> Path:
        """Path of the journal."""
        return self.path / "events.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"


def new_run(name: str, record: dict[str, Any], stem: str = "run") -> RunFolder:
    """Make a run's folder; without a name, the first free number after `stem` is taken.

    Raises:
        LeptonError: The name is taken or has characters that no folder name should have.
        StorageError: The folder cannot be written.
    """
    root = runs_root()
    if name and not NAME.fullmatch(name):
        raise LeptonError(
            f"'{name}' cannot be the name of a run.",
            "Names have letters, digits, '.', '_' and '-', and start with a letter or digit.",
            f"name='{re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('-._')[:100] or 'my-run'}'",
        )
    path = _claim(root, name, stem)
    first = {
        "format": FORMAT,
        "name": path.name,
        "state": "starting",
        "created": time.time(),
        "process": this_process(),
    }
    try:
        durable.write_json(path / "run.json", _finite({**first, **record}))
    except BaseException:
        with contextlib.suppress(OSError):
            path.rmdir()
        raise
    return RunFolder(path)


def run_folders() -> list[RunFolder]:
    """All runs, the one that trained last first; a new name or a tag changes nothing in that."""
    root = runs_root()
    found = list(root.glob("*/run.json")) if root.is_dir() else []
    return [RunFolder(path.parent) for path in sorted(found, key=_last_event, reverse=True)]


def find_run(name: str) -> RunFolder:
    """The run called `name`. Raises NotFoundError with the nearest names."""
    path = runs_root() / name
    if NAME.fullmatch(name) and (path / "run.json").is_file():
        return RunFolder(path)
    names = [folder.name for folder in run_folders()]
    raise NotFoundError(
        f"No run is called '{name}'.",
        did_you_mean(name, names)
        or (
            f"There are: {', '.join(names[:5])}."
            if names
            else f"There is no run in {runs_root().name} yet."
        ),
        "%lepton runs" if names else "%lepton train MODEL DATA",
    )


def _last_event(record: Path) -> float:
    """Unix seconds at which a run's journal was last written; its record's when it has none."""
    for path in (record.with_name("events.jsonl"), record):
        with contextlib.suppress(OSError):
            return path.stat().st_mtime
    return 0.0


def _free_name(root: Path, name: str) -> str:
    """A name like `name` that no run has."""
    numbers = itertools.count(2)
    return next(free for n in numbers if not (root / (free := f"{name[:90]}-{n}")).exists())


def _finite(value: Any) -> Any:
    """A JSON value whose numbers that are not finite are null, so that it can always be written."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value


def _claim(root: Path, name: str, stem: str) -> Path:
    """Make the folder with one atomic call, so that two kernels never take the same name."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:80] or "run"
    try:
        root.mkdir(parents=True, exist_ok=True)
        for number in range(1, 100_000):
            path = root / (name or f"{stem}-{number}")
            try:
                path.mkdir()
                return path
            except FileExistsError:
                if name:
                    raise LeptonError(
                        f"A run called '{name}' is there already.",
                        "Runs are never overwritten.",
                        f"name='{_free_name(root, name)}'",
                    ) from None
    except OSError as error:
        raise StorageError(
            f"Runs cannot be kept in {root}: {error.strerror}.",
            "Training was not started, so nothing is lost.",
            "Set LEPTON_RUNS to a folder that you may write to.",
        ) from error
    raise StorageError(f"{root} holds too many runs called {stem}.")
