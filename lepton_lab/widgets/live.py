# SPDX-License-Identifier: BSD-3-Clause
"""The live card of a run: one small widget while it trains, a plain output when it ends.

The events only go into a history; a ticker sends the card's whole state two to four times a second,
slower as it grows, so that a run costs less than 5 KB a second whatever its length. The page writes
nothing into the model; its orders go to `control`. When the run ends, stops or fails, the output of the
cell becomes a run document + Plotly + SVG + text: a saved notebook needs neither a kernel nor a widget to
show it. The widget itself stays open for a while, because a page that was loaded again meanwhile shows it
and is not told of the cell's new output. While it trains the document stands beside the widget, so that a page
whose kernel is busy or gone finds the run by its folder.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import anywidget
import traitlets

from lepton_lab.charts import document, words
from lepton_lab.charts.mime import final_bundle
from lepton_lab.charts.snapshot import encode
from lepton_lab.events import Event, Predicted, RunStarted
from lepton_lab.rendering import visible
from lepton_lab.widgets import cells, control, library, page
from lepton_lab.widgets.follower import Follower

FASTEST, SLOWEST = 0.25, 0.65
BYTES_PER_SECOND = 4500
MESSAGE_BYTES = 700
SENDING_SECONDS = 30
STILL_OPEN = 2
Picture: TypeAlias = Callable[[str, int], str]


_over: deque[RunCard] = deque()


class RunCard(anywidget.AnyWidget):
    """The model of the card.

    `state` is what it shows, as `snapshot.encode` writes it. What the model says of a few samples comes once
    per epoch, their pictures once.
    """

    _esm = page.module()
    _css = page.style()
    state = traitlets.Bytes().tag(sync=True)
    samples: traitlets.List[Any] = traitlets.List().tag(sync=True)
    pictures: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.on_msg(_ordered)


class LiveCard(Follower):
    """Shows a run live in the output of the cell that opens it.

    Args:
        folder: The run's folder.

    Attributes:
        picture: Gives a small picture of a sample as a data URL, from its split and place in it; None shows
            words alone.
    """

    def __init__(self, folder: Path | None = None) -> None:
        from IPython.display import display

        show: Callable[..., Any] = display
        super().__init__(folder.name if folder is not None else "")
        self.path = document.from_notebook(folder)
        self.picture: Picture | None = None
        self._shown: tuple[int, int, bool] | None = None
        self._predicted: Predicted | None = None
        self._opened = time.monotonic()
        self.card = RunCard()
        self._library_sent = library.provide(self.card)
        self.card.state = encode(self.history.snapshot(), sent=self._library_sent)
        self._handle = show(self._opening(), raw=True, display_id=True)
        self._follow()

    def __call__(self, event: Event) -> None:
        """Take an event; the card follows within half a second."""
        super().__call__(event)
        if isinstance(event, RunStarted):
            cells.remember(event.run, self._ticker.cell)

    def _opening(self) -> dict[str, Any]:
        model = {"version_major": 2, "version_minor": 0, "model_id": self.card.model_id}
        return {
            "application/vnd.jupyter.widget-view+json": model,
            **(
                {document.MIME: document.run_document(self.history, self.path)} if self.path else {}
            ),
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
        state = encode(view, sent=sending)
        self.card.state = state
        self._tell(view.predicted)
        return min(max((len(state) + MESSAGE_BYTES) / BYTES_PER_SECOND, FASTEST), SLOWEST)

    def _tell(self, event: Predicted | None) -> None:
        """Send the predictions of the latest epoch, with their pictures the first time."""
        if event is None or event is self._predicted:
            return
        if self._predicted is None and self.picture is not None:
            places = [sample["place"] for sample in event.samples]
            self.card.pictures = [self.picture(event.split, place) for place in places]
        self._predicted = event
        self.card.samples = [
            [visible(sample["expected"]), visible(sample["predicted"]), sample["probability"]]
            for sample in event.samples
        ]

    def _finish(self) -> None:
        self._handle.update(final_bundle(self.history, self.path), raw=True)
        view = self.history.snapshot()
        self.card.state = encode(view)
        self._tell(view.predicted)
        _over.append(self.card)
        while len(_over) > STILL_OPEN:
            _close(_over.popleft())


def _close(card: RunCard) -> None:
    layout = card.layout
    card.close()
    layout.close()


def _ordered(widget: Any, content: Any, buffers: Any) -> None:
    """An order from a page that cannot open a comm; it arrives when the kernel is free."""
    if isinstance(content, dict) and content.get("kind") == "order":
        control.obey(content)
