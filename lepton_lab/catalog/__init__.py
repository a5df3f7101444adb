# SPDX-License-Identifier: BSD-3-Clause
"""What can be trained: the shipped index of models, and the way from a name to a module.

`models` searches the index, `find` turns any kind of name into a `ModelEntry`, `build` makes the module
with its preprocessing and classes, `from_config` makes the same architecture again without a network,
`save_pretrained` writes a folder that timm or transformers load by themselves. Searching, finding and
completing import no framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "BuiltModel": "lepton_lab.catalog.building",
    "ModelEntry": "lepton_lab.catalog.entry",
    "ModelList": "lepton_lab.catalog.listing",
    "build": "lepton_lab.catalog.building",
    "complete": "lepton_lab.catalog.names",
    "find": "lepton_lab.catalog.lookup",
    "from_config": "lepton_lab.catalog.building",
    "models": "lepton_lab.catalog.listing",
    "save_pretrained": "lepton_lab.catalog.building",
}
__all__ = [*_PUBLIC]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lepton_lab.catalog' has no attribute '{name}'")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


if TYPE_CHECKING:
    from lepton_lab.catalog.building import BuiltModel as BuiltModel
    from lepton_lab.catalog.building import build as build
    from lepton_lab.catalog.building import from_config as from_config
    from lepton_lab.catalog.building import save_pretrained as save_pretrained
    from lepton_lab.catalog.entry import ModelEntry as ModelEntry
    from lepton_lab.catalog.listing import ModelList as ModelList
    from lepton_lab.catalog.listing import models as models
    from lepton_lab.catalog.lookup import find as find
    from lepton_lab.catalog.names import complete as complete
