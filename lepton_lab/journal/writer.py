# SPDX-License-Identifier: BSD-3-Clause
"""The subscriber that writes the journal.

Each event is one line, handed to the operating system with one `write` on a file opened for appending:
two writers never mix their lines and a killed process loses none that it had written. When the disk
refuses (full, gone), training goes on: the lines wait in memory and are written as soon as it accepts
them again.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from pathlib import Path

from lepton_lab.errors import StorageError
from lepton_lab.events import Event, RunEnded, RunStarted, Saved, to_line

logger = logging.getLogger(__name__)


class JournalWriter:
    """Appends events to a journal file; call it with each event.

    Raises:
        StorageError: When it is made and the file cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise StorageError(
                f"The journal {self.path} cannot be written: {error.strerror}.",
                "Training was not started, so nothing is lost.",
                "Set LEPTON_RUNS to a folder that you may write to.",
            ) from error
        self._waiting: deque[bytes] = deque()
        self.failing = False
        self._mend_torn_line()

    def __call__(self, event: Event) -> None:
        """Write the event, or keep it until the disk takes it; never raises for the disk's sake."""
        self._waiting.append((to_line(event) + "\n").encode("ascii"))
        self._flush()
        if isinstance(event, (RunStarted, Saved, RunEnded)) and not self.failing:
            try:
                os.fsync(self._file)
            except OSError as error:
                logger.warning("the journal %s cannot be synced: %s", self.path, error)

    def close(self) -> None:
        """Write what waits and close the file; a second call changes nothing."""
        if self._file < 0:
            return
        self._flush()
        file, self._file = self._file, -1
        os.close(file)

    def _flush(self) -> None:
        while self._waiting:
            line = self._waiting[0]
            try:
                written = os.write(self._file, line)
            except OSError as error:
                if not self.failing:
                    logger.warning("the journal %s cannot be written: %s", self.path, error)
                self.failing = True
                return
            if written < len(line):
                self._waiting[0] = line[written:]
            else:
                self._waiting.popleft()
        self.failing = False

    def _mend_torn_line(self) -> None:
        """End a line that a power cut tore, so that the next one starts on its own."""
        if self.path.stat().st_size:
            with self.path.open("rb") as file:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    self._waiting.append(b"\n")
                    self._flush()
