# SPDX-License-Identifier: BSD-3-Clause
"""The live card of a run that the Studio shows inside itself, fed from the run's own journal.

The card is the one that every training shows. Reading the journal instead of the bus makes it whole at
any moment, also for a run that went on in another process.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from lepton_lab.charts.history import History
from lepton_lab.charts.snapshot import encode
from lepton_lab.journal.folder import LIVE
from lepton_lab.journal.tail import Tail
from lepton_lab.rendering import visible
from lepton_lab.studio.blocks import picture
from lepton_lab.widgets import library
from lepton_lab.widgets.live import RunCard
from lepton_lab.widgets.ticker import Ticker

if TYPE_CHECKING:
    from lepton_lab.events import Predicted

PAUSE = 0.3
logger = logging.getLogger(__name__)


class Follower:
    """Keeps a card in step with a run until the run is over.

    Args:
        run: The run.
    """

    def __init__(self, run: Any) -> None:
        self.run = run
        self.history = History(run.name)
        self._tail = Tail(run.folder.journal)
        self._shown: tuple[int, int] | None = None
        self._predicted: Predicted | None = None
        self.card = RunCard(state=encode(self.history.snapshot()))
        self.sent = library.provide(self.card)
        self._ticker = Ticker(self._tick, self._finish)

    @property
    def model_id(self) -> str:
        """The widget's id, by which the page finds the card."""
        return str(self.card.model_id)

    @property
    def over(self) -> bool:
        """Whether the last state was drawn."""
        return self._ticker.wait(0)

    def close(self) -> None:
        """Stop following and take the card away."""
        self._ticker.end()
        self._ticker.wait()
        layout = self.card.layout
        self.card.close()
        layout.close()

    def _tick(self) -> float:
        self._read()
        view = self.history.snapshot()
        if (self.history.version, int(view.elapsed)) != self._shown:
            self._draw()
        if self.run.state not in LIVE:
            self._ticker.end()
        return PAUSE

    def _draw(self) -> None:
        self._read()
        view = self.history.snapshot()
        self._shown = (self.history.version, int(view.elapsed))
        self.card.state = encode(view)
        if view.predicted is not None and view.predicted is not self._predicted:
            self._tell(view.predicted)

    def _finish(self) -> None:
        """A run that never said how it ended has ended all the same."""
        self._read()
        self.history.end()
        self._draw()

    def _read(self) -> None:
        for event in self._tail.read():
            self.history.add(event)

    def _tell(self, event: Predicted) -> None:
        """Send the predictions of the latest epoch, with their pictures the first time."""
        if self._predicted is None:
            self.card.pictures = [self._picture(event.split, one["place"]) for one in event.samples]
        self._predicted = event
        self.card.samples = [
            [visible(one["expected"]), visible(one["predicted"]), one["probability"]]
            for one in event.samples
        ]

    def _picture(self, split: str, place: int) -> str:
        """A sample as a data address; nothing when it cannot be read any more."""
        try:
            return picture(self.run.data.split(split).read(place))
        except Exception as error:  # a card never fails over a picture
            logger.debug("sample %d of %s has no picture: %s", place, split, error)
            return ""
