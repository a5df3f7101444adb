# SPDX-License-Identifier: BSD-3-Clause
"""Answers drawn into their inputs: one file per kind of answer, with a function `draw`.

A kind without a file here is shown as text.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lepton_lab.rendering import Markup
    from lepton_lab.runtime.outputs import Answer

# Type of the runtime's answer -> the module here that draws it.
_DRAWN: dict[str, str] = {
    "Prediction": "classes",
    "Detections": "boxes",
    "MaskAnswer": "mask",
    "Spans": "spans",
}


def drawing(answer: Answer, source: Any) -> Markup | None:
    """The answer drawn into its input; None where nothing is known to draw.

    Args:
        answer: Of the runtime.
        source: What the runtime was given: pixels, a text, a row.
    """
    name = _DRAWN.get(type(answer).__name__)
    if name is None:
        return None
    found: Markup = importlib.import_module(f"{__name__}.{name}").draw(answer, source)
    return found
