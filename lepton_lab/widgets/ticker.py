# SPDX-License-Identifier: BSD-3-Clause
"""The one thread that draws.

The thread that trains must never wait for a picture, and a thread that prints or displays on its
own would write into whichever cell runs at that moment. So each view has one ticker: a daemon
thread that updates what the opening cell displayed, a few times a second, and draws the last
picture too, whoever asks for the end.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from lepton_lab import views
from lepton_lab.widgets import cells

logger = logging.getLogger(__name__)


class Ticker:
    """Calls `tick` again and again, and `finish` once.

    Args:
        tick: Redraws when something changed; returns the seconds to wait before the next call.
        finish: Draws the last state. Called on the ticker's thread after the last `tick`.
    """

    def __init__(self, tick: Callable[[], float], finish: Callable[[], None]) -> None:
        self._tick, self._finish = tick, finish
        self._end, self._finished = threading.Event(), threading.Event()
        self.cell = cells.current()
        self._thread = threading.Thread(target=self._run, name="lepton-view", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Ask for the last picture. Returns at once."""
        self._end.set()

    def wait(self, seconds: float = 10.0) -> bool:
        """Wait for the last picture; False when it took longer. Safe from the ticker itself."""
        return threading.current_thread() is self._thread or self._finished.wait(seconds)

    def _run(self) -> None:
        try:
            _bind(self.cell)
            pause = 0.0
            while not self._end.wait(pause):
                pause = self._tick()
        except Exception:
            logger.warning("the live view of a run stopped redrawing", exc_info=True)
            self._end.wait()
        try:
            self._finish()
        except Exception:
            logger.warning("the last picture of a run could not be drawn", exc_info=True)
        finally:
            self._finished.set()


def _bind(cell: Any) -> None:
    """Give this thread a cell where the kernel has none for it (ipykernel 7.0).

    Others give an update the cell that runs at that moment, which is what clients without a page
    expect; a display or a widget is found by its id wherever the update comes from.
    """
    if cell is None:
        return
    shell = views.shell()
    try:
        shell.get_parent()
    except LookupError:
        shell.set_parent(cell)
