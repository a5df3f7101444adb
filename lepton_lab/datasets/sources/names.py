# SPDX-License-Identifier: BSD-3-Clause
"""Which files look like images by their name, and what a wrong path may have meant."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from lepton_lab.datasets.records import call, no_such, number, plural, quoted
from lepton_lab.datasets.sources.walk import is_junk
from lepton_lab.errors import DataError, nearest

FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG",
    ".apng": "PNG", ".gif": "GIF", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF",
    ".tiff": "TIFF", ".avif": "AVIF", ".jp2": "JPEG2000",
    ".heic": "HEIC", ".heif": "HEIC", ".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM",
}  # fmt: skip
TABLES = {".csv", ".tsv", ".parquet", ".pq"}
SPLIT_NAMES = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "dev": "val",    "test": "test", "testing": "test",
}  # fmt: skip
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")
_LOOK_AT = 2000


def suffix(name: str) -> str:
    """The suffix in lower case, with its dot."""
    return PurePosixPath(name).suffix.lower()


def is_image(root: Path, name: str) -> bool:
    """Whether a file claims to be an image, by its suffix or else by its first bytes."""
    known = suffix(name)
    if known in FORMATS:
        return True
    if known in TABLES or known in (".txt", ".json", ".xml", ".md", ".py", ".zip", ".pdf"):
        return False
    try:
        with (root / name).open("rb") as file:
            return file.read(8).startswith(_SIGNATURES)
    except OSError:
        return False


def kinds(names: Iterable[str]) -> str:
    """The suffixes of some files, for a message.

    >>> kinds(["a.txt", "b.txt", "c.pdf"])
    '.pdf, .txt'
    """
    return ", ".join(sorted({suffix(name) or "without suffix" for name in names})[:5])


def does_not_exist(path: Path, extra: Iterable[str] = ()) -> DataError:
    """The error for a path that is not there, with the nearest thing that is.

    Args:
        path: What was asked for.
        extra: Other names that would have been understood (builtin samples).
    """
    what = f'There is no folder or table "{path}" (looked in {Path.cwd()}).'
    parent = path.parent if path.parent.is_dir() else Path.cwd()
    try:
        siblings = [
            e.name
            for e in os.scandir(parent)
            if not is_junk(e.name) and (e.is_dir() or suffix(e.name) in TABLES)
        ]
    except OSError:
        siblings = []
    found = nearest(path.name, [*siblings, *extra], 1)
    if not found:
        here = (
            f"There is: {quoted(sorted(siblings))}."
            if siblings
            else f"{parent} holds no folder or table."
        )
        return no_such(what, here, call("digits") + "  # a built-in sample to try")
    if found[0] not in siblings:
        return no_such(what, f'A built-in sample is called "{found[0]}".', call(found[0]))
    near = parent / found[0]
    said = near if path.is_absolute() or path.parent.is_dir() else Path(found[0])
    kind = "folder" if near.is_dir() else "table"
    about = f" ({_contents(near)})" if near.is_dir() else ""
    return no_such(what, f'A {kind} with a similar name exists: "{said}"{about}.', call(said))


def _contents(folder: Path) -> str:
    """What is in a folder, by a look that stops early."""
    classes, images, looked = 0, 0, 0
    for below, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_junk(name)]
        classes += len(folders) if below == str(folder) else 0
        images += sum(suffix(name) in FORMATS for name in files)
        looked += len(files) + 1
        if looked > _LOOK_AT:
            return f"{plural(classes, 'folder')}, more than {number(images)} images"
    return f"{plural(classes, 'folder')}, {plural(images, 'image')}"
