# SPDX-License-Identifier: BSD-3-Clause
"""One file per task that can be exported."""

from __future__ import annotations

from lepton_lab.exporting.signature import signatures
from lepton_lab.exporting.signatures.image_classification import RECORD as _IMAGE_CLASSIFICATION

signatures.register(_IMAGE_CLASSIFICATION)

__all__ = ["signatures"]
