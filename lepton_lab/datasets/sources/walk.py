# SPDX-License-Identifier: BSD-3-Clause
"""All the ordinary files below a folder, and a word on everything that was left out.

Folders of images come with more than images: checkpoints of Jupyter, thumbnails of operating
systems, links that run in circles or out of the folder, pipes that would block whoever opens
them. Nothing is opened here and nothing is changed.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from lepton_lab.datasets.records import Finding, Severity, plural

JUNK = {
    "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin",
    "system volume information",
    "lost+found", "__pycache__", "icon\r",
}  # fmt: skip


@dataclass
class Walk:
    """What is below a folder; all names are relative to it, with `/`.

    Attributes:
        files: Ordinary files.
        folders: Folders, without the junk.
        junk: Hidden files and folders and what operating systems leave behind.
        links: Links that were not followed -> why.
        special: Pipes, sockets and devices.
        denied: Folders that could not be listed -> why.
    """

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    junk: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    special: list[str] = field(default_factory=list)
    denied: dict[str, str] = field(default_factory=dict)

    def findings(self) -> list[Finding]:
        """What was left out, for the user."""
        skipped = "Skipped; nothing was changed."
        links = "Not followed; put the files themselves there if you need them."
        found = [
            _finding("junk", "info", dict.fromkeys(self.junk, ""), _JUNK, skipped),
            _finding("links-refused", "warning", self.links, _LINKS, links),
            _finding(
                "special-files", "warning", dict.fromkeys(self.special, ""), _SPECIAL, skipped
            ),
            _finding("unreadable-folders", "error", self.denied, _DENIED, skipped),
        ]
        return [finding for finding in found if finding is not None]


_JUNK = "hidden or system file was met", "hidden or system files were met"
_LINKS = "link was not followed", "links were not followed"
_SPECIAL = "pipe, socket or device was met", "pipes, sockets or devices were met"
_DENIED = "folder cannot be read", "folders cannot be read"


def _finding(
    code: str, severity: Severity, why: dict[str, str], words: tuple[str, str], done: str
) -> Finding | None:
    if not why:
        return None
    names = tuple(sorted(why))
    details = tuple(why[name] for name in names) if any(why.values()) else ()
    return Finding(
        code, severity, len(names), f"{plural(len(names), *words)}.", done, names, details
    )


def is_junk(name: str) -> bool:
    """Whether a file or folder of this name is hidden or left behind by a system.

    >>> is_junk(".ipynb_checkpoints"), is_junk("Thumbs.db"), is_junk("cat")
    (True, True, False)
    """
    return name.startswith(".") or name.lower() in JUNK


def walk(root: Path) -> Walk:
    """Look through a folder; each folder in it is entered once, links to files in it are files."""
    top = os.path.realpath(root)
    found = Walk()
    visited = {_identity(top)}
    waiting = [("", top)]
    while waiting:
        below, folder = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            found.denied[below or "."] = error.strerror or str(error)
            continue
        for entry in entries:
            name = f"{below}/{entry.name}" if below else entry.name
            if is_junk(entry.name):
                found.junk.append(name)
                continue
            _sort_in(found, entry, name, top, visited, waiting)
    return found


def _sort_in(
    found: Walk,
    entry: os.DirEntry[str],
    name: str,
    top: str,
    visited: set[tuple[int, int]],
    waiting: list[tuple[str, str]],
) -> None:
    if entry.is_symlink() and (reason := _refusal(entry.path, top)):
        found.links[name] = reason
        return
    try:
        mode = Path(entry.path).stat().st_mode
    except OSError as error:
        found.denied[name] = error.strerror or str(error)
        return
    if stat.S_ISREG(mode):
        found.files.append(name)
    elif not stat.S_ISDIR(mode):
        found.special.append(name)
    elif (identity := _identity(entry.path)) in visited:
        found.links[name] = "the same folder as one that was read already"
    else:
        visited.add(identity)
        found.folders.append(name)
        waiting.append((name, entry.path))


def _refusal(path: str, top: str) -> str:
    """Why a link is not followed, or an empty string."""
    target = os.path.realpath(path)
    if not os.path.exists(target):  # noqa: PTH110 - realpath and its undecodable names stay text
        return "points to nothing"
    if os.path.commonpath([top, target]) != top:
        return "leads out of the folder"
    return "a folder, read where it really is" if os.path.isdir(target) else ""  # noqa: PTH112


def _identity(path: str) -> tuple[int, int]:
    status = Path(path).stat()
    return status.st_dev, status.st_ino
