# SPDX-License-Identifier: BSD-3-Clause
"""What every live view of a run is: a history that grows by events, and a ticker that draws it until the end."""

from __future__ import annotations

from abc import ABC, abstractmethod

from lepton_lab.charts.history import History
from lepton_lab.events import Event, RunEnded
from lepton_lab.widgets.ticker import Ticker


class Follower(ABC):
    """Follows one run. A view calls `_follow` when it is shown.

    Args:
        name: Of the run, where it is known already.

    Attributes:
        history: What happened so far.
    """

    _ticker: Ticker

    def __init__(self, name: str = "") -> None:
        self.history = History(name)

    def __call__(self, event: Event) -> None:
        """Take an event; the view follows within half a second."""
        self.history.add(event)
        if isinstance(event, RunEnded):
            self._ticker.end()

    def close(self) -> None:
        """Draw the last picture and let go. Safe from every thread, and more than once."""
        self.history.end()
        self._ticker.end()
        self._ticker.wait()

    def _follow(self) -> None:
        """Draw from now on."""
        self._ticker = Ticker(self._tick, self._finish)

    @abstractmethod
    def _tick(self) -> float:
        """Redraw when something changed; the seconds to wait before the next call."""

    @abstractmethod
    def _finish(self) -> None:
        """Draw the last state."""
