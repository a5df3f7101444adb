# SPDX-License-Identifier: BSD-3-Clause
"""The live card of a run: one small widget while it trains, a plain output when it ends.

The events only go into a history; a ticker sends the card's whole state two to four times a second,
slower as it grows, so that a run costs less than 5 KB a second whatever its length. The page writes
nothing back. When the run ends, stops or fails, the output of the cell becomes Plotly + SVG + text
and the widget is closed: a saved notebook needs neither a kernel nor a widget to show it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from lepton_lab.charts import words
from lepton_lab.charts.history import History
from lepton_lab.charts.mime import final_bundle
from lepton_lab.events import Event, RunEnded
from lepton_lab.widgets import library
from lepton_lab.widgets.snapshot import encode
from lepton_lab.widgets.ticker import Ticker

_HERE = Path(__file__).parent
FASTEST, SLOWEST = 0.25, 0.5
BYTES_PER_SECOND = 4500
MESSAGE_BYTES = 700
SENDING_SECONDS = 30


class RunCard(anywidget.AnyWidget):
    """The model of the card: `state` is all that it shows, as `snapshot.encode` writes it."""

    _esm = (_HERE / "card.js").read_text("utf-8")
    _css = (_HERE / "card.css").read_text("utf-8")
    state = traitlets.Bytes().tag(sync=True)


class LiveCard:
    """Shows a run live in the output of the cell that opens it."""

    def __init__(self) -> None:
        from IPython.display import display

        show: Callable[..., Any] = display
        self.history = History()
        self._shown: tuple[int, int, bool] | None = None
        self._opened = time.monotonic()
        self.card = RunCard(state=encode(self.history.snapshot()))
        self._handle = show(self._opening(), raw=True, display_id=True)
        self._library_sent = library.provide(self.card)
        self._ticker = Ticker(self._tick, self._finish)

    def __call__(self, event: Event) -> None:
        """Take an event; the card follows within half a second."""
        self.history.add(event)
        if isinstance(event, RunEnded):
            self._ticker.end()

    def close(self) -> None:
        """Replace the card by the final picture and close the widget. Safe from every thread."""
        self.history.end()
        self._ticker.end()
        self._ticker.wait()

    def _opening(self) -> dict[str, Any]:
        model = {"version_major": 2, "version_minor": 0, "model_id": self.card.model_id}
        return {
            "application/vnd.jupyter.widget-view+json": model,
            "text/plain": words.summary(self.history.snapshot()),
        }

    def _tick(self) -> float:
        """Send the state when it changed; the clock of a run under way changes every second."""
        view = self.history.snapshot()
        sending = self._library_sent and time.monotonic() - self._opened < SENDING_SECONDS
        shown = (self.history.version, int(view.elapsed), sending)
        if shown == self._shown:
            return FASTEST
        self._shown = shown
        state = encode(view, sending)
        self.card.state = state
        return min(max((len(state) + MESSAGE_BYTES) / BYTES_PER_SECOND, FASTEST), SLOWEST)

    def _finish(self) -> None:
        self._handle.update(final_bundle(self.history), raw=True)
        layout = self.card.layout
        self.card.close()
        layout.close()
