# SPDX-License-Identifier: BSD-3-Clause
"""One file per task that can be exported."""

from __future__ import annotations

from lepton_lab.exporting.signature import signatures
from lepton_lab.exporting.signatures.audio_classification import RECORD as _AUDIO_CLASSIFICATION
from lepton_lab.exporting.signatures.image_classification import RECORD as _IMAGE_CLASSIFICATION
from lepton_lab.exporting.signatures.object_detection import RECORD as _OBJECT_DETECTION
from lepton_lab.exporting.signatures.semantic_segmentation import RECORD as _SEMANTIC_SEGMENTATION
from lepton_lab.exporting.signatures.tabular import CLASSIFICATION as _TABULAR_CLASSIFICATION
from lepton_lab.exporting.signatures.tabular import REGRESSION as _TABULAR_REGRESSION
from lepton_lab.exporting.signatures.text_classification import RECORD as _TEXT_CLASSIFICATION
from lepton_lab.exporting.signatures.token_classification import RECORD as _TOKEN_CLASSIFICATION

for _record in (
    _TABULAR_CLASSIFICATION,
    _TABULAR_REGRESSION,
    _IMAGE_CLASSIFICATION,
    _SEMANTIC_SEGMENTATION,
    _OBJECT_DETECTION,
    _AUDIO_CLASSIFICATION,
    _TEXT_CLASSIFICATION,
    _TOKEN_CLASSIFICATION,
):
    signatures.register(_record)

__all__ = ["signatures"]
