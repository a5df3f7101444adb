# SPDX-License-Identifier: BSD-3-Clause
"""A whole journal as a history that is read on, not read again."""

from __future__ import annotations

from pathlib import Path

from lepton_lab.charts import History
from lepton_lab.errors import StorageError
from lepton_lab.journal.tail import Tail
from lepton_lab.jupyter.places import is_plain_file


class Replay:
    """The history of a journal.

    Args:
        journal: Its path.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._begin()

    def _begin(self) -> None:
        self._history, self._tail = History(), Tail(self._journal)
        self._seen: tuple[int, int, int] | None = None

    def history(self) -> History:
        """The events so far, folded.

        Raises:
            StorageError: The journal cannot be read.
        """
        if not is_plain_file(self._journal):
            self._begin()
            return self._history
        try:
            about = self._journal.stat()
            now = (about.st_ino, about.st_size, about.st_mtime_ns)
            if self._seen and (now[0] != self._seen[0] or now[1] < self._tail.offset):
                self._begin()
            if now != self._seen:
                for event in self._tail.read():
                    self._history.add(event)
                self._seen = now
        except OSError as error:
            raise StorageError(
                f"The journal {self._journal.name} cannot be read.", str(error.strerror)
            ) from error
        return self._history
