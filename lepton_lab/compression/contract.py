# SPDX-License-Identifier: BSD-3-Clause
"""The registry of methods that make a model smaller: one file and one record per method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lepton_lab.registry import Registry

# Batches as the graph takes them: input -> values.
Batches = Sequence[Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Method:
    """A way to make a model smaller.

    Attributes:
        name: As written in `quantize=` and shown in the table.
        description: One line.
        rewrite: Writes a smaller ONNX file: (the exported one, batches of real training samples, where to).
            It raises LeptonError where it cannot. None for a method that trains.
    """

    name: str
    description: str
    rewrite: Callable[[Path, Batches, Path], None] | None = None


methods: Registry[Method] = Registry("compression method", "lab.compress(run, quantize='int8')")
