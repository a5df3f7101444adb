# SPDX-License-Identifier: BSD-3-Clause
"""The methods that come with Lepton Lab, registered."""

from __future__ import annotations

from lepton_lab.compression.contract import methods
from lepton_lab.compression.distil import RECORD as _DISTIL
from lepton_lab.compression.fp16 import RECORD as _FP16
from lepton_lab.compression.int8 import RECORD as _INT8
from lepton_lab.compression.prune import RECORD as _PRUNE
from lepton_lab.compression.weights_int8 import RECORD as _WEIGHTS_INT8

for _record in (_INT8, _FP16, _WEIGHTS_INT8, _PRUNE, _DISTIL):
    methods.register(_record)

QUANTIZERS = tuple(method.name for method in methods if method.rewrite is not None)

__all__ = ["QUANTIZERS", "methods"]
