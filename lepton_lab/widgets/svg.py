# SPDX-License-Identifier: BSD-3-Clause
"""A run as a picture that is replaced twice a second, for front ends without widgets.

Plotly's own output does not redraw when a cell's output is updated, so what moves is an SVG of our
own; when the run ends the output becomes the same bundle as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lepton_lab.charts import document, svg, words
from lepton_lab.charts.mime import final_bundle
from lepton_lab.widgets.follower import Follower

INTERVAL = 0.5


class LivePicture(Follower):
    """Shows a run in the output of the cell that opens it.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        from IPython.display import display

        show: Callable[..., Any] = display
        super().__init__(folder.name if folder is not None else "")
        self.path = document.from_notebook(folder)
        self._version = self.history.version
        self._handle = show(self._picture(), raw=True, display_id=True)
        self._follow()

    def _picture(self) -> dict[str, Any]:
        view = self.history.snapshot()
        return {svg.MIME: svg.svg(view), "text/plain": words.summary(view)}

    def _tick(self) -> float:
        if self._version != self.history.version:
            self._version = self.history.version
            self._handle.update(self._picture(), raw=True)
        return INTERVAL

    def _finish(self) -> None:
        self._handle.update(final_bundle(self.history, self.path), raw=True)
