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
import re
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
    return write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: str | Path, value: Any) -> Path:
    """`write_bytes` for a JSON value: indented, keys in the order given, NaN refused.

    The file is valid UTF-8 whatever the text holds: a lone surrogate (a file name that is no valid Unicode)
    becomes a JSON escape.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return write_bytes(path, text.encode("utf-8", "backslashreplace"))


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


def clean_leftovers(folder: str | Path) -> list[Path]:
    """Put right what killed writers left in `folder`, and return the leftovers that were cleared away.

    What a writer that still lives has aside is left alone. A folder that had stepped aside for a new one
    which never came is put back in its place.
    """
    removed = []
    for path in sorted(Path(folder).glob(f"*{ASIDE}*")):
        found = _LEFTOVER.search(path.name)
        if found is None or _lives(int(found["pid"]), path):
            continue
        with contextlib.suppress(OSError):
            if found["old"]:
                _put_back(path)
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
    """Rename over a full folder: POSIX has no such call, so the old one steps aside for a moment.

    It steps into a folder of its own, under its full name, so that it can always be put back; it is
    removed only when the new one is safely on the disk.
    """
    holder = path.with_name(aside.name + ".old")
    old = holder / path.name
    try:
        if path.is_dir():
            holder.mkdir()
            path.rename(old)
        aside.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            if old.exists():
                old.rename(path)
            holder.rmdir()
        raise
    sync_directory(path.parent)
    _remove(holder)


@contextlib.contextmanager
def _cleanly(path: Path, aside: Path, size: int | None) -> Iterator[None]:
    """Turn the system's refusals into a StorageError, and leave nothing aside whatever happens."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        needed = size if size is not None else _written(aside)
        _remove(aside)
        raise _refusal(path, error, needed, exact=size is not None) from error
    finally:
        _remove(aside)


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSALS = _FULL | {
    errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.EIO,
}


def _refusal(path: Path, error: OSError, needed: int, *, exact: bool) -> StorageError:
    if error.errno in _FULL:
        more = "" if exact else "more than "
        return StorageError(
            f"The disk is full: {path.name} needs {more}{needed / 1e6:.1f} MB, {_free(path) / 1e6:.1f} MB are free.",
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


def _put_back(holder: Path) -> None:
    """Give a folder that had stepped aside its place again, unless the new one is there."""
    for earlier in holder.iterdir():
        place = holder.with_name(earlier.name)
        if not os.path.lexists(place):
            earlier.rename(place)


def _written(folder: Path) -> int:
    """Bytes in `folder` so far."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


_LEFTOVER = re.compile(re.escape(ASIDE) + r"(?P<pid>\d+)-[0-9a-f]{12}(?P<old>\.old)?$")


def _aside(path: Path) -> Path:
    """A name beside `path` that says who writes it, short enough for any file system."""
    stem = os.fsencode(path.name)[:80].decode("utf-8", "ignore")
    return path.with_name(f"{stem}{ASIDE}{os.getpid()}-{uuid.uuid4().hex[:12]}")


def _lives(pid: int, aside: Path) -> bool:
    """Whether the process that made `aside` is still there; one that started later only bears its number."""
    import psutil

    try:
        return bool(psutil.Process(pid).create_time() <= aside.lstat().st_ctime + 1)
    except (psutil.Error, OSError, ValueError, OverflowError):
        return False


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
