# SPDX-License-Identifier: BSD-3-Clause
"""Orders to a run under way: what the loop reads between steps.

Any thread may give an order (a cell, a button's handler, a signal), and so may another process by a
letter in the run's folder (`lepton_lab.mailbox`) or a file called STOP; none waits for the loop. The loop takes them at the next step boundary and journals each
with the step at which it took effect. Orders of an earlier run can be given again at the same steps.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from lepton_lab import mailbox

STOP_FILE = "STOP"
LOOK_EVERY = 0.2


@dataclass(frozen=True)
class Order:
    """One order.

    Attributes:
        action: A name in `lepton_lab.training.orders`.
        values: Plain values that are journaled with it.
        answer: Where the result goes, for orders that have one.
    """

    action: str
    values: dict[str, Any] = field(default_factory=dict)
    answer: Future[Any] | None = field(default=None, compare=False, repr=False)


class Control:
    """The orders of one run, and the Event that tells that it is over.

    Waiting uses an Event, never `Thread.join`: on CPython 3.11 a KeyboardInterrupt inside `join` makes
    the thread look finished while it still runs.

    Args:
        folder: The run's folder: letters in it are orders, and so is a file called STOP.
        replay: Step -> orders that were journaled there, given again.
    """

    def __init__(
        self, folder: Path | None = None, replay: Mapping[int, Sequence[Order]] | None = None
    ) -> None:
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._replay = {step: list(orders) for step, orders in (replay or {}).items()}
        self._folder = folder
        self._looked = 0.0
        self.over = threading.Event()

    def give(self, action: str, *, answer: Future[Any] | None = None, **values: Any) -> None:
        """Order something; returns at once."""
        self._orders.put(Order(action, values, answer))

    def take(self, step: int, *, wait: float | None = None) -> list[Order]:
        """The orders for this step boundary.

        Args:
            step: Optimizer steps taken so far.
            wait: Seconds to wait for the first one; None does not wait.
        """
        taken = self._replay.pop(step, [])
        try:
            if wait is not None and not taken:
                taken.append(self._orders.get(timeout=wait))
            while True:
                taken.append(self._orders.get_nowait())
        except queue.Empty:
            pass
        return taken + self._letters()

    def again(self, step: int, order: Order) -> None:
        """Give an order once more when the run, gone back, comes to that step again."""
        self._replay.setdefault(step, []).append(replace(order, answer=None))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over; tells whether it is.

        It looks up a few times a second: a signal that arrives while the main thread has another one
        pending is taken by some other thread, and only a main thread that runs then sees the interrupt.
        """
        ends = math.inf if timeout is None else time.monotonic() + timeout
        while not self.over.wait(max(0.0, min(LOOK_EVERY, ends - time.monotonic()))):
            self.poll()
            if time.monotonic() >= ends:
                return False
        return True

    def stop_ordered(self) -> bool:
        """Whether a stop waits among the orders; all of them stay for the loop."""
        waiting = []
        while not self._orders.empty():
            waiting.append(self._orders.get_nowait())
        for order in waiting:
            self._orders.put(order)
        for order in self._letters():
            waiting.append(order)
            self._orders.put(order)
        return any(order.action == "stop" for order in waiting)

    def end(self) -> None:
        """The run is over: whoever waits goes on, and orders that came too late are told so."""
        self._looked = 0.0
        for order in self._letters():
            self._orders.put(order)
        self.over.set()
        while not self._orders.empty():
            order = self._orders.get_nowait()
            if order.answer is not None:
                order.answer.cancel()

    def poll(self) -> None:
        """Look for answers that come by file; there are none for a run of this process."""

    def _letters(self) -> list[Order]:
        """The orders of other processes; the folder is looked into a few times a second."""
        now = time.monotonic()
        if self._folder is None or now - self._looked < LOOK_EVERY:
            return []
        self._looked = now
        orders = [_opened(letter, self._folder) for letter in mailbox.collect(self._folder)]
        if (self._folder / STOP_FILE).exists():
            (self._folder / STOP_FILE).unlink(missing_ok=True)
            orders.append(Order("stop", {"by": STOP_FILE}))
        return orders


def _opened(letter: mailbox.Letter, folder: Path) -> Order:
    """A letter as an order whose result is sent back when it was asked for."""
    result: Future[Any] | None = None
    if letter.answer:
        result = Future()
        result.add_done_callback(partial(_send, folder, letter.id))
    return Order(letter.action, letter.values, result)


def _send(folder: Path, letter: str, result: Future[Any]) -> None:
    """Send the result of an order back to the process that gave it."""
    if result.cancelled():
        mailbox.answer(folder, letter, error=RuntimeError("The run ended before it could answer."))
    elif result.exception() is not None:
        mailbox.answer(folder, letter, error=result.exception())
    else:
        mailbox.answer(folder, letter, result.result())
