# SPDX-License-Identifier: BSD-3-Clause
"""The kinds of label: one file and one registered record each."""

from __future__ import annotations

from lepton_lab.datasets.label import labelings
from lepton_lab.datasets.labels.boxes import RECORD as _BOXES
from lepton_lab.datasets.labels.classes import RECORD as _CLASSES
from lepton_lab.datasets.labels.mask import RECORD as _MASK
from lepton_lab.datasets.labels.number import RECORD as _NUMBER
from lepton_lab.datasets.labels.one_class import RECORD as _ONE_CLASS
from lepton_lab.datasets.labels.tags import RECORD as _TAGS

for _record in (_ONE_CLASS, _BOXES, _MASK, _CLASSES, _NUMBER, _TAGS):
    labelings.register(_record)

__all__ = ["labelings"]
