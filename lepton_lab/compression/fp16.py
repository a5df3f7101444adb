# SPDX-License-Identifier: BSD-3-Clause
"""fp16: half the bits of every number inside the graph; inputs and outputs stay fp32.

The largest number of fp16 is 65504. A model whose own numbers grow beyond it would answer with
infinities, or quietly with something else, so it is run on real samples first and refused.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np

from lepton_lab.compression.contract import Batches, Method
from lepton_lab.compression.graphs import peaks, run, session
from lepton_lab.errors import LeptonError

LARGEST = float(np.finfo(np.float16).max)
# The largest fp32 numbers stand for infinity in masks of attention; the converter makes them fp16's largest.
MEANT = 1e38


def rewrite(source: Path, samples: Batches, target: Path) -> None:
    """Write the fp16 form of an ONNX file.

    Raises:
        LeptonError: A weight or a number inside the model is too large for fp16, or the graph cannot be converted.
    """
    import onnx
    from onnx import numpy_helper
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = onnx.load(source)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor)
            _check(f"The weight '{tensor.name}'", float(np.abs(values).max(initial=0.0)))
    with tempfile.TemporaryDirectory() as folder:
        for name, highest in peaks(source, samples, Path(folder)):
            _check(f"The number '{name}' inside it", highest)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            onnx.save(convert_float_to_float16(model, keep_io_types=True), target)
        live = session(target)
    except Exception as error:  # converter and runtime raise exceptions of many kinds
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise LeptonError(
            "This model cannot be written in fp16.", f"The converter stopped: {reason}",
            "lab.compress(run, quantize='weights-int8')",
        ) from error  # fmt: skip
    for batch in samples:
        for name, values in run(live, batch).items():
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                _check(f"The output '{name}'", float("nan"))


def _check(what: str, highest: float) -> None:
    if not (highest <= LARGEST or highest >= MEANT):
        raise LeptonError(
            "This model overflows in fp16.",
            f"{what} reaches {highest:.3g} on training samples; fp16 ends at {LARGEST:.0f}.",
            "lab.compress(run, quantize='weights-int8')",
        )


RECORD = Method("fp16", "all numbers in 16 bits", rewrite)
