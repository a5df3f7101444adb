# SPDX-License-Identifier: BSD-3-Clause
"""The formats that come with Lepton Lab, registered."""

from __future__ import annotations

from lepton_lab.exporting.contract import formats
from lepton_lab.exporting.executorch import RECORD as _EXECUTORCH
from lepton_lab.exporting.onnx import RECORD as _ONNX
from lepton_lab.exporting.safetensors import RECORD as _SAFETENSORS
from lepton_lab.exporting.torch_export import RECORD as _TORCH

formats.register(_ONNX)
formats.register(_SAFETENSORS)
formats.register(_TORCH)
formats.register(_EXECUTORCH)

__all__ = ["formats"]
