# SPDX-License-Identifier: BSD-3-Clause
"""From a trained model to a folder that answers anywhere, or to a clear reason why not.

`export(subject, format)` stages a bundle, proves it equal to the live model, and writes it whole or
not at all. Formats and tasks are records: one file each.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Artifact": "artifact",
    "ExportSample": "subject",
    "Subject": "subject",
    "Verification": "artifact",
    "export": "writer",
    "formats": "registered",
    "gate": "verify",
    "load_artifact": "artifact",
}
__all__ = [
    "Artifact",
    "ExportSample",
    "Subject",
    "Verification",
    "export",
    "formats",
    "gate",
    "load_artifact",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lepton_lab.exporting' has no attribute '{name}'")
    return getattr(importlib.import_module(f"lepton_lab.exporting.{_PUBLIC[name]}"), name)


if TYPE_CHECKING:
    from lepton_lab.exporting.artifact import Artifact, Verification, load_artifact
    from lepton_lab.exporting.registered import formats
    from lepton_lab.exporting.subject import ExportSample, Subject
    from lepton_lab.exporting.verify import gate
    from lepton_lab.exporting.writer import export
