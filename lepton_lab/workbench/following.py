# SPDX-License-Identifier: BSD-3-Clause
"""A run watched from its journal: in another cell, in another kernel, from the middle of it or afterwards.

The journal is the one source: who reads it from its first byte and then goes on reading has every event
once, whether this process trains the run or another one does, and however late it began to look.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Self

from lepton_lab.charts import History
from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.events import Alert, Event, RunEnded
from lepton_lab.journal import RunFolder
from lepton_lab.journal.folder import LIVE
from lepton_lab.journal.tail import Tail
from lepton_lab.views import Watcher

logger = logging.getLogger(__name__)
LOOK_EVERY = 0.2


class Follower:
    """Hands the events of a run to a watcher: at once those that there are, then each as it is written.

    It ends by itself, and closes the watcher, when the run is over or its process is gone.

    Args:
        folder: The run's folder.
        watcher: What takes the events, as `lepton_lab.views` opens it.
        live: Whether the run is under way; its record is asked when left out.
    """

    def __init__(
        self, folder: RunFolder, watcher: Watcher, live: Callable[[], bool] | None = None
    ) -> None:
        self.folder, self.watcher = folder, watcher
        self._live = live or (lambda: state_of(folder) in LIVE)
        self._tail = Tail(folder.journal)
        self._end: RunEnded | None = None
        self._last: Event | None = None
        self._closing, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"following-{folder.name}", daemon=True
        )

    def start(self) -> Self:
        """Hand over what there is, then follow in a thread."""
        self._take()
        self._thread.start()
        return self

    def close(self) -> None:
        """Follow no further; the watcher shows what has come so far."""
        self._closing.set()
        self.wait()

    def wait(self, seconds: float = 5.0) -> bool:
        """Wait until the watcher is closed; tells whether it is."""
        return self._over.wait(seconds)

    def _run(self) -> None:
        try:
            while not self._closing.is_set() and self._under_way():
                self._take()
                self._closing.wait(LOOK_EVERY)
            self._take()
            last = self._end if self._end is not None else gone(self.folder, self._last)
            if last is not None:
                self.watcher(last)
        except Exception:
            logger.warning("run %s is no longer followed", self.folder.name, exc_info=True)
        finally:
            with contextlib.suppress(Exception):
                self.watcher.close()
            self._over.set()

    def _under_way(self) -> bool:
        try:
            return self._live()
        except LeptonError:
            return False

    def _take(self) -> None:
        """An end that is not the last event is no end: the run was resumed."""
        for event in self._tail.read():
            self._end, self._last = None, event
            if isinstance(event, RunEnded):
                self._end = event
            else:
                self.watcher(event)


def whole(folder: RunFolder) -> History:
    """The journal of a run folded into series, as it stands; of one that is over it says how it ended."""
    history, last = History(), None
    for last in folder.events():
        history.add(last)
    if state_of(folder) not in LIVE:
        told = gone(folder, last)
        if told is not None:
            history.add(told)
        history.end()
    return history


def gone(folder: RunFolder, last: Event | None) -> Alert | None:
    """What a run cannot say itself, said at the time of its last event: that its process was lost."""
    if state_of(folder) != "crashed" or last is None:
        return None
    message = "The process that trained this run is gone."
    return Alert(last.step, "error", message, f"lab.resume('{folder.name}')", last.time)


def state_of(folder: RunFolder) -> str:
    """The state in the run's record; "damaged" when it cannot be read."""
    try:
        return str(folder.record["state"])
    except StorageError:
        return "damaged"
