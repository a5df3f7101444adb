# SPDX-License-Identifier: BSD-3-Clause
"""Orders to a run under way: flags that the loop reads between steps.

Any thread may give an order (a cell, a button's handler, a signal); none waits for the loop. The loop
takes them at the next step boundary and journals each with the step at which it took effect.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Order:
    """One order: `action` is stop, pause, resume, set or checkpoint."""

    action: str
    values: dict[str, Any] = field(default_factory=dict)


class Control:
    """The orders of one run, and the Event that tells that it is over.

    Waiting uses an Event, never `Thread.join`: on CPython 3.11 a KeyboardInterrupt inside `join` makes
    the thread look finished while it still runs.
    """

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self.over = threading.Event()

    def give(self, action: str, **values: Any) -> None:
        """Order something; returns at once."""
        self._orders.put(Order(action, values))

    def take(self, *, wait: float | None = None) -> list[Order]:
        """The orders given since the last call; with `wait`, the first one is waited for (seconds)."""
        taken: list[Order] = []
        try:
            if wait is not None:
                taken.append(self._orders.get(timeout=wait))
            while True:
                taken.append(self._orders.get_nowait())
        except queue.Empty:
            return taken
