# SPDX-License-Identifier: BSD-3-Clause
"""The one writer of files that must not be lost: aside, synced, renamed.

A file or a directory is first written beside its final name, flushed to the disk, then renamed over
it, and the folder entry is flushed too. A kill or a full disk at any byte leaves the earlier version
whole and nothing half-written at the final name. Everything that Lepton Lab keeps (runs,
checkpoints, artifacts) goes through here.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lepton_lab.errors import StorageError

ASIDE = ".aside-"


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write `data` to `path` so that the file is either the old one or the new one, never a part.

    Raises:
        StorageError: The disk is full, or the folder cannot be written; the old file is untouched.
    """
    path = Path(path)
    aside = _aside(path)
    with _cleanly(path, aside, len(data)):
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        sync_directory(path.parent)
    return path


def write_text(path: str | Path, text: str) -> Path:
    """`write_bytes` for text, as UTF-8 (names that are no valid Unicode are kept by escaping)."""
    return write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_json(path: str | Path, value: Any) -> Path:
    """`write_bytes` for a JSON value: indented, keys in the order given, NaN refused."""
    return write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """The JSON value of a file. Raises StorageError with the file's name when it is damaged."""
    try:
        return json.loads(Path(path).read_text("utf-8", "surrogateescape"))
    except (OSError, ValueError, RecursionError) as error:
        raise StorageError(f"{path} cannot be read.", str(error)) from error


@contextlib.contextmanager
def new_directory(path: str | Path) -> Iterator[Path]:
    """A folder to fill; it appears at `path`, whole, when the block ends without an error.

    An earlier folder at `path` stays until the new one is complete and is then replaced. When the
    block raises, nothing appears and the earlier one is untouched.

    Raises:
        StorageError: The disk is full or the parent folder cannot be written.
    """
    path = Path(path)
    aside = _aside(path)
    with _cleanly(path, aside, None):
        aside.mkdir(parents=True)
        yield aside
        for folder, _, names in os.walk(aside):
            for name in names:
                _sync_file(Path(folder) / name)
            sync_directory(Path(folder))
        _replace_directory(aside, path)
        sync_directory(path.parent)


def clean_leftovers(folder: str | Path) -> list[Path]:
    """Remove what killed writers left aside in `folder`; returns what was removed."""
    removed = []
    for path in Path(folder).glob(f"*{ASIDE}*"):
        if path.name.endswith(".old") and not (original := _original(path)).exists():
            path.rename(original)
        else:
            _remove(path)
        removed.append(path)
    return removed


def sync_directory(folder: Path) -> None:
    """Flush a folder's entries, so that a rename in it survives a power cut."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace_directory(aside: Path, path: Path) -> None:
    """Rename over a full folder: POSIX has no such call, so the old one steps aside for a moment."""
    old = path.with_name(aside.name + ".old")
    if path.exists():
        os.rename(path, old)
    try:
        os.rename(aside, path)
    except OSError:
        if old.exists():
            os.rename(old, path)
        raise
    _remove(old)


@contextlib.contextmanager
def _cleanly(path: Path, aside: Path, size: int | None) -> Iterator[None]:
    """Turn the system's refusals into a StorageError, and leave nothing aside whatever happens."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        raise _refusal(path, error, size) from error
    finally:
        _remove(aside)


_REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG}


def _refusal(path: Path, error: OSError, size: int | None) -> StorageError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        needs = f" needs {size / 1e6:.1f} MB," if size else ""
        return StorageError(
            f"The disk is full: {path.name}{needs} {_free(path) / 1e6:.1f} MB are free.",
            f"Nothing was half-written in {path.parent}; what was there before is unchanged.",
            "Free some space, then run the cell again.",
        )
    return StorageError(
        f"{path} cannot be written: {error.strerror}.",
        "Nothing there was changed.",
        "Choose a folder that you may write to, or set LEPTON_RUNS.",
    )


def _free(path: Path) -> int:
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name[:80]}{ASIDE}{uuid.uuid4().hex[:12]}")


def _original(path: Path) -> Path:
    return path.with_name(path.name.split(ASIDE)[0])


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
