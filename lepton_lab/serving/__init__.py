# SPDX-License-Identifier: BSD-3-Clause
"""What lies around the server of an artifact: starting it from here, and the files that deploy it.

The server itself is part of the runtime that travels in every artifact.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_PUBLIC = {"Serving": "handle", "start": "handle", "write_deployment": "deployment"}
__all__ = ["Serving", "start", "write_deployment"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lepton_lab.serving' has no attribute '{name}'")
    return getattr(importlib.import_module(f"lepton_lab.serving.{_PUBLIC[name]}"), name)


if TYPE_CHECKING:
    from lepton_lab.serving.deployment import write_deployment
    from lepton_lab.serving.handle import Serving, start
