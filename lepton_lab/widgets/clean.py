# SPDX-License-Identifier: BSD-3-Clause
"""The model of the cleaning grid: what is shown goes out whole, messages come in.

The page writes nothing into the model, so that two pages of one kernel show the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

HERE = Path(__file__).parent


class CleanWidget(anywidget.AnyWidget):
    """A grid of suspects.

    Args:
        obey: Called with each message of the page.
    """

    _esm = (HERE / "clean.js").read_text("utf-8")
    _css = (HERE / "clean.css").read_text("utf-8")
    view: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    pictures: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    def __init__(self, obey: Callable[[Mapping[str, Any]], None]) -> None:
        super().__init__()
        self._obey = obey
        self.on_msg(self._message)

    def _message(self, widget: Any, content: Any, buffers: Any) -> None:
        if isinstance(content, Mapping):
            self._obey(content)
