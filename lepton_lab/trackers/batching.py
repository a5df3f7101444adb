# SPDX-License-Identifier: BSD-3-Clause
"""Between the bus and a sink: a buffer, and a thread that empties it a few times a second.

The step pays for one append. A sink that raises, that does not answer for a minute, or that falls too far
behind is dropped and told once; the run never ends and never waits because of it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque

from lepton_lab.errors import LeptonError
from lepton_lab.events import Alert, Bus, Event
from lepton_lab.trackers.contract import Sink

logger = logging.getLogger(__name__)
INTERVAL = 0.25
BATCH = 2000
# The sink shares the interpreter with the loop, so it rests four times as long as it worked, up to seconds.
REST, LONGEST_REST = 4, 5.0
LIMIT = 50_000
PATIENCE = 60.0


class Batches:
    """Subscribes to a bus and hands its events to a sink in batches.

    Args:
        name: The tracker's name, for messages.
        sink: Takes the batches.
        bus: Where the events come from, and where a failure is told.
        patience: Seconds that one batch may take.
        limit: Events that may wait; more means that the sink is too slow.
    """

    def __init__(
        self, name: str, sink: Sink, bus: Bus, *, patience: float = PATIENCE, limit: int = LIMIT
    ) -> None:
        self.name, self.sink, self.bus = name, sink, bus
        self.patience, self.limit = patience, limit
        self.failed = False
        self._step = 0
        self._waiting: deque[Event] = deque()
        self._since: float | None = None
        self._told = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"tracker-{name}", daemon=True)
        self._leave = bus.subscribe(self)

    def __call__(self, event: Event) -> None:
        """Take an event; returns at once."""
        if self.failed or self._closing.is_set():
            return
        self._step = event.step
        self._waiting.append(event)
        if self._thread.ident is None:
            self._thread.start()
        since = self._since
        if len(self._waiting) > self.limit:
            self._drop(f"{self.limit:,} events wait for it: it is slower than the training.")
        elif since is not None and time.monotonic() - since > self.patience:
            self._drop(f"It has not answered for {self.patience:g} seconds.")

    def end(self, last: Event | None = None) -> None:
        """Take no more events; those that wait are handed over. Returns at once.

        Args:
            last: The event that ends the run, told to the sink before everyone else gets it.
        """
        self._leave()
        if last is not None:
            self(last)
        self._closing.set()

    def wait(self, seconds: float) -> None:
        """Wait until the sink has everything, and tell through the bus when that takes longer.

        Args:
            seconds: At most. What is not stored by then goes on being stored while the process lives.
        """
        if self._thread.ident is None or self.failed:
            return
        self._thread.join(max(seconds, 0.0))
        if self._thread.is_alive() and not self.failed:
            self._tell(
                f"The tracker '{self.name}' had not stored everything when the run ended.",
                "What it lacks is stored in the background while this process lives.",
            )

    def _work(self) -> None:
        """The thread of the sink: the only one that calls it."""
        closing, worked = False, 0.0
        try:
            while not (self.failed or closing):
                rest = min(REST * worked, LONGEST_REST)
                closing = self._closing.wait(max(INTERVAL, rest))
                started = time.monotonic()
                for _ in range(0, len(self._waiting), BATCH):
                    self._hand_over()
                worked = time.monotonic() - started
        except Exception as error:
            logger.info("the tracker %s failed", self.name, exc_info=True)
            self._drop(_first_line(error))
        finally:
            with contextlib.suppress(Exception):
                self.sink.close()

    def _hand_over(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]
        self._since = time.monotonic()
        self.sink.write(batch)
        self._since = None

    def _drop(self, why: str) -> None:
        """Give the sink up."""
        self.failed = True
        self._waiting.clear()
        what = f"The tracker '{self.name}' was dropped; this run goes on without it. {why}"
        self._tell(what, "The journal of the run is complete.")

    def _tell(self, what: str, hint: str) -> None:
        """Say once, to everyone, that the tracker lacks something."""
        if self._told.acquire(blocking=False):
            self.bus.emit(Alert(self._step, "warning", what, hint))


def _first_line(error: Exception) -> str:
    """What an error says, as one sentence."""
    if isinstance(error, LeptonError):
        return " ".join(filter(None, (error.what, error.why)))
    text = (str(error).strip() or type(error).__name__).split("\n")[0]
    return text[:300].rstrip(".") + "."
