# SPDX-License-Identifier: BSD-3-Clause
"""What the server knows of the runs under its root; nothing is looked at twice without need."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from lepton_lab.charts import History
from lepton_lab.errors import NotFoundError
from lepton_lab.jupyter.places import Root, is_plain_file
from lepton_lab.jupyter.replay import Replay
from lepton_lab.jupyter.search import RunsRoots
from lepton_lab.jupyter.watched import Watched

MOST_RUNS = 1000
KEPT_WHOLE = 8


class Project:
    """The runs below a folder.

    Args:
        root: The folder that the server serves.
        hidden: Whether hidden files may be read.
    """

    def __init__(self, root: Path, *, hidden: bool = False) -> None:
        self.root = Root(root, hidden=hidden)
        self._roots = RunsRoots(self.root.path)
        self._runs: dict[Path, Watched] = {}
        self._replays: OrderedDict[Path, Replay] = OrderedDict()
        self._looking, self._replaying = threading.Lock(), threading.Lock()

    def runs(self) -> list[Watched]:
        """All runs, newest first, as they are at this moment; at most `MOST_RUNS`."""
        with self._looking:
            paths = list(self._folders())
            self._runs = {
                path: self._runs.get(path) or Watched(path, self.root.name(path)) for path in paths
            }
            for run in self._runs.values():
                run.look()
            return sorted(
                self._runs.values(), key=lambda run: (-(run.row["started"] or 0), str(run.path))
            )

    def run(self, number: str) -> Watched:
        """The run of that id, as it is at this moment.

        Raises:
            NotFoundError: There is none.
        """
        with self._looking:
            found = next((run for run in self._runs.values() if run.id == number), None)
            if found is not None and is_plain_file(found.path / "run.json"):
                found.look()
                return found
        found = next((run for run in self.runs() if run.id == number), None)
        if found is None:
            raise NotFoundError(
                "There is no such run.",
                "Its folder was moved or deleted, or another server shows it.",
                "Reload the list of runs.",
            )
        return found

    def history(self, journal: Path) -> History:
        """The whole history of a journal; the journals asked for last are kept and read on."""
        with self._replaying:
            replay = self._replays.setdefault(journal, Replay(journal))
            self._replays.move_to_end(journal)
            while len(self._replays) > KEPT_WHOLE:
                self._replays.popitem(last=False)
            return replay.history()

    def _folders(self) -> Iterator[Path]:
        """The folders of runs, the newest of each place first."""
        left = MOST_RUNS
        for root in self._roots.paths():
            try:
                with os.scandir(root) as listing:
                    found = [
                        (entry.stat(follow_symlinks=False).st_ctime, Path(entry.path))
                        for entry in listing
                        if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
                    ]
            except OSError:
                continue
            for _, path in sorted(found, reverse=True):
                if left and is_plain_file(path / "run.json"):
                    left -= 1
                    yield path
