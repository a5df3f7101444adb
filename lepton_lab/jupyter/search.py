# SPDX-License-Identifier: BSD-3-Clause
"""Where runs are kept under a folder: every `lepton-runs`, found by a walk that ends.

The walk goes level by level, so that what is near is found first; it follows no link, passes over
hidden folders and those of package managers, and stops after a number of entries.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

RUNS = "lepton-runs"
DEPTH = 6
ENTRIES = 20_000
KEEP = 10.0
PASSED_OVER = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "env"})


def runs_roots(root: Path, depth: int = DEPTH, entries: int = ENTRIES) -> list[Path]:
    """The folders called `lepton-runs` below `root`.

    Args:
        root: Where to look; it may be one itself.
        depth: Levels below the root that are looked into.
        entries: Files and folders that are looked at in all.
    """
    found = [root] if root.name == RUNS else []
    level, left = [root], entries
    for _ in range(depth):
        below: list[Path] = []
        for folder in level:
            try:
                with os.scandir(folder) as listing:
                    for entry in listing:
                        left -= 1
                        if left < 0:
                            return found
                        if not _is_entered(entry):
                            continue
                        path = Path(entry.path)
                        (found if entry.name == RUNS else below).append(path)
            except OSError:
                continue
        level = below
    return found


def _is_entered(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in PASSED_OVER:
        return False
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


class RunsRoots:
    """The folders of runs under the server's root, looked for again every few seconds.

    Args:
        root: The server's root.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._found: list[Path] = []
        self._looked = -KEEP

    def paths(self) -> list[Path]:
        """Those under the root, and the one that `LEPTON_RUNS` names, wherever it lies."""
        now = time.monotonic()
        if now - self._looked >= KEEP:
            self._found, self._looked = runs_roots(self.root), now
        named = os.environ.get("LEPTON_RUNS")
        if not named:
            return self._found
        path = Path(os.path.realpath(Path(named).expanduser()))
        return [path, *(other for other in self._found if other != path)]
