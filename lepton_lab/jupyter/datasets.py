# SPDX-License-Identifier: BSD-3-Clause
"""The data sets of a folder, told by names alone: nothing is opened, and the look ends early.

A folder of images for each class (with or without train, val and test above them), or a table. What
is in them exactly is for `lab.data` to say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tornado.web
from jupyter_server.auth.decorator import authorized

from lepton_lab.datasets.sources.names import FORMATS, SPLIT_NAMES, TABLES, suffix
from lepton_lab.datasets.sources.walk import is_junk
from lepton_lab.errors import NotFoundError
from lepton_lab.jupyter.answers import DatasetList, DatasetRow
from lepton_lab.jupyter.handler import LeptonHandler, Route
from lepton_lab.jupyter.places import Root
from lepton_lab.jupyter.search import PASSED_OVER

ENTRIES = 20_000
MOST = 100


class Datasets(LeptonHandler):
    """`GET datasets?path=`: the folder itself when it is a data set, and what lies in it."""

    @tornado.web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with a `DatasetList`."""
        path = self.argument("path")
        await self.answer(lambda: DatasetList(datasets=datasets(self.project.root, path)))


@dataclass
class Budget:
    """How many more files and folders are looked at."""

    left: int = ENTRIES

    def entries(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        """The entries of a folder that are neither hidden nor links, until the budget is spent."""
        try:
            with os.scandir(folder) as listing:
                for entry in listing:
                    self.left -= 1
                    if self.left < 0:
                        return
                    if not is_junk(entry.name) and not entry.is_symlink():
                        yield entry
        except OSError:
            return


def datasets(root: Root, path: str) -> list[DatasetRow]:
    """The data sets at a path and right below it, by name.

    Raises:
        NotFoundError: There is no such folder below the root.
    """
    folder = root.inside(path)
    if not folder.is_dir():
        raise NotFoundError(
            f"'{folder.name}' is no folder.", "Data sets are looked for in folders."
        )
    budget = Budget()
    found = [_folder(folder, root, budget)] if folder != root.path else []
    for entry in sorted(budget.entries(folder), key=lambda entry: entry.name.lower()):
        if len(found) >= MOST or budget.left <= 0:
            break
        if entry.is_file() and suffix(entry.name) in TABLES:
            found.append(_row(Path(entry.path), root, "table", None, None, False))
        elif entry.is_dir() and entry.name not in PASSED_OVER:
            found.append(_folder(Path(entry.path), root, budget))
    return [row for row in found if row is not None]


def _folder(folder: Path, root: Root, budget: Budget) -> DatasetRow | None:
    """A folder with class folders, or None. Images count at one level below their class."""
    top = {entry.name: Path(entry.path) for entry in budget.entries(folder) if entry.is_dir()}
    splits = [path for name, path in top.items() if name.lower() in SPLIT_NAMES]
    parents = splits or [folder]
    counts: dict[str, int] = {}
    for parent in parents:
        for entry in list(budget.entries(parent)):
            if entry.is_dir():
                images = sum(_is_image(file) for file in budget.entries(Path(entry.path)))
                counts[entry.name] = counts.get(entry.name, 0) + images
    classes = [name for name, images in counts.items() if images]
    if len(classes) < 2:
        return None
    return _row(folder, root, "folder", len(classes), sum(counts.values()), budget.left <= 0)


def _is_image(entry: os.DirEntry[str]) -> bool:
    return suffix(entry.name) in FORMATS and entry.is_file()


def _row(
    path: Path, root: Root, kind: str, classes: int | None, count: int | None, bounded: bool
) -> DatasetRow:
    return {
        "name": path.name,
        "path": root.name(path) or "",
        "kind": kind,
        "classes": classes,
        "count": count,
        "bounded": bounded,
    }


ROUTES = (Route(r"datasets", Datasets),)
