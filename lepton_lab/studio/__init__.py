# SPDX-License-Identifier: BSD-3-Clause
"""The Studio: choose a model, look at data, train, evaluate and export in one widget.

`state.py` is what there is, `steps/` what can be done (one file per step), `controller.py` the way from
a message to a new state; all three are plain Python without a page. `widget.py` shows the state. Every
step makes the request that its line of code makes, so the code that it shows does the same.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["Studio"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'lepton_lab.studio' has no attribute '{name}'")
    return getattr(importlib.import_module("lepton_lab.studio.studio"), name)


if TYPE_CHECKING:
    from lepton_lab.studio.studio import Studio
