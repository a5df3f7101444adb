# SPDX-License-Identifier: BSD-3-Clause
"""Runs are renamed, put aside and brought back as whole folders, each with one atomic rename.

Nothing is copied and nothing is thrown away: a deleted run lies in `.trash` beside the others until
someone empties it. A run that is under way is never moved.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from lepton_lab import durable
from lepton_lab.errors import LeptonError, NotFoundError, StorageError, did_you_mean
from lepton_lab.journal.folder import LIVE, NAME, RunFolder, run_folders, runs_root

TRASH = ".trash"


def rename(folder: RunFolder, name: str) -> Path:
    """Give a run another name; runs that began from it are told. Returns its new folder.

    Raises:
        LeptonError: The name cannot be one, it is taken, or the run or a child of it is under way.
        StorageError: The folder cannot be moved; it is where it was.
    """
    if not NAME.fullmatch(name):
        likely = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:100] or "my-run"
        raise LeptonError(
            f"'{name}' cannot be the name of a run.",
            "Names have letters, digits, '.', '_' and '-', and start with a letter or digit.",
            f"%lepton runs rename {folder.name} {likely}",
        )
    if name == folder.name:
        return folder.path
    refuse_live(folder, "renamed")
    children = list(_children(folder.name))
    for child in children:
        refuse_live(child, "told that its parent has another name")
    path = _moved(folder.path, folder.path.with_name(name))
    RunFolder(path).update(name=name)
    for child in children:
        links = child.record["parent"].items()
        child.update(parent={k: name if v == folder.name else v for k, v in links})
    return path


def trash(folder: RunFolder) -> Path:
    """Put a run aside. Returns where it lies now.

    Raises:
        LeptonError: It is under way.
        StorageError: The folder cannot be moved; it is where it was.
    """
    refuse_live(folder, "deleted")
    aside = folder.path.parent / TRASH
    aside.mkdir(exist_ok=True)
    names = [folder.name, *(f"{folder.name[:90]}.{n}" for n in range(2, 10_000))]
    target = next(path for name in names if not (path := aside / name).exists())
    return _moved(folder.path, target)


def restore(name: str) -> Path:
    """Bring a deleted run back under the name that it had. Returns its folder.

    Raises:
        NotFoundError: Nothing in the trash has that name.
        LeptonError: Another run has taken the name.
    """
    aside = runs_root() / TRASH / name
    if not NAME.fullmatch(name) or not aside.is_dir():
        there = trashed()
        raise NotFoundError(
            f"No deleted run is called '{name}'.",
            did_you_mean(name, there)
            or (f"There are: {', '.join(there[:5])}." if there else "The trash is empty."),
            "%lepton runs",
        )
    return _moved(aside, runs_root() / _name_before(aside))


def trashed() -> list[str]:
    """The names in the trash."""
    aside = runs_root() / TRASH
    return sorted(path.name for path in aside.iterdir()) if aside.is_dir() else []


def refuse_live(folder: RunFolder, what: str) -> None:
    """Raise LeptonError when the run is under way, in whatever process."""
    try:
        state = folder.record["state"]
    except StorageError:
        return
    if state in LIVE:
        raise LeptonError(
            f"Run '{folder.name}' is {state}, so it cannot be {what}.",
            "Its process writes into its folder.",
            f"%lepton runs stop {folder.name}",
        )


def _children(name: str) -> Iterator[RunFolder]:
    """The runs that began from the run of that name or repeat it."""
    for folder in run_folders():
        try:
            parent = folder.record.get("parent") or {}
            if name in (parent.get("run"), parent.get("repeats")):
                yield folder
        except StorageError:
            continue


def _name_before(aside: Path) -> str:
    """The name that a deleted run had; the folder's own when its record is damaged."""
    try:
        name = str(RunFolder(aside).record.get("name", ""))
    except StorageError:
        return aside.name
    return name if NAME.fullmatch(name) else aside.name


def _moved(source: Path, target: Path) -> Path:
    """Move a folder to a name that is first claimed, so that two processes never both take it."""
    try:
        target.mkdir()
    except FileExistsError:
        raise LeptonError(
            f"A run called '{target.name}' is there already.",
            "Runs are never overwritten.",
            "Choose another name, or rename that one first: %lepton runs",
        ) from None
    except OSError as error:
        raise _refused(source, error) from error
    try:
        if os.name == "nt":
            target.rmdir()
        source.rename(target)
    except OSError as error:
        if target.is_dir() and not any(target.iterdir()):
            target.rmdir()
        raise _refused(source, error) from error
    for folder in {source.parent, target.parent}:
        durable.sync_directory(folder)
    return target


def _refused(source: Path, error: OSError) -> StorageError:
    return StorageError(
        f"Run '{source.name}' cannot be moved: {error.strerror}.",
        "It is unchanged, where it was.",
        "See that its folder may be written to.",
    )
