# SPDX-License-Identifier: BSD-3-Clause
"""The files that a text means: one file, those of a folder, or those of a pattern."""

from __future__ import annotations

import glob
from collections.abc import Container
from pathlib import Path

from lepton_lab.errors import DataError, nearest


def files_at(text: str, suffixes: Container[str], what: str) -> list[Path]:
    """The files, sorted where there are several.

    Args:
        text: A path, a folder or a pattern; "~" is the home folder.
        suffixes: Of the files that count in a folder, in small letters.
        what: What such a file is ("image").

    Raises:
        DataError: There is none.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        inside = (p for p in path.rglob("*") if not p.name.startswith("."))
        found = sorted(p for p in inside if p.suffix.lower() in suffixes)
        if not found:
            raise DataError(f"There is no {what} in {path}.")
        return found
    if path.exists():
        return [path]
    matched = sorted(Path(p) for p in glob.glob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns
    if matched:
        return matched
    siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    near = nearest(path.name, siblings)
    raise DataError(
        f"There is no file '{text}'.",
        f"A file with a similar name exists: {path.parent / near[0]}"
        if near
        else f"Looked in {path.absolute().parent}.",
    )
