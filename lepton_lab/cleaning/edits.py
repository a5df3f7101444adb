# SPDX-License-Identifier: BSD-3-Clause
"""The edits file as it is written: one line per decision, never one taken out.

Lines are added in one call under a lock, so that two kernels that clean the same data lose nothing. What the
other one wrote is seen at the next look. A line that a power cut tore is passed over when it is read.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from lepton_lab.datasets.edits import UNDO, Edit, Log, read
from lepton_lab.errors import StorageError


class EditsFile:
    """An edits file on disk; it is made with its first line.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._log = Log()

    @property
    def log(self) -> Log:
        """What it says now, read again when it has changed.

        Raises:
            StorageError: It cannot be read.
        """
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self._seen, self._log = None, Log()
            return self._log
        seen = status.st_ino, status.st_size, status.st_mtime_ns
        if seen != self._seen:
            self._seen, self._log = seen, read(self.path)
        return self._log

    def add(self, edit: Edit, *, was: str = "") -> None:
        """Write an edit; `was` is the label before it, for a person who reads the file.

        Raises:
            StorageError: The file cannot be written; it is as it was.
        """
        entry = {"action": edit.action, "id": edit.id, "digest": edit.digest}
        if edit.label:
            entry["label"] = edit.label
        self._write({**entry, "was": was, "time": round(time.time(), 3)})

    def undo(self) -> Edit | None:
        """Take back the last edit that stands, and return it; None when there is none.

        Raises:
            StorageError: The file cannot be written; it is as it was.
        """
        standing = self.log.edits
        if not standing:
            return None
        self._write({"action": UNDO, "time": round(time.time(), 3)})
        return standing[-1]

    def _write(self, entry: dict[str, str | float]) -> None:
        line = json.dumps(entry).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b", buffering=0) as file, _locked(file.fileno()):
                size = file.seek(0, os.SEEK_END)
                if size:
                    file.seek(size - 1)
                    line = line if file.read(1) == b"\n" else b"\n" + line
                try:
                    if file.write(line) != len(line):
                        raise OSError(28, "No space left on device")
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(size)
                    raise
        except OSError as error:
            raise StorageError(
                f"The edit could not be written to {self.path}: {error.strerror}.",
                "Nothing was changed.",
                "Free some space or set LEPTON_RUNS to a folder that you may write to, then edit again.",
            ) from error


@contextlib.contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """Hold the file alone; where the system has no such lock, a line is still written in one call."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
