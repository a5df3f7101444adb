# SPDX-License-Identifier: BSD-3-Clause
"""int8: weights and activations in eight bits.

Convolutional nets get fixed activation ranges, learned from real training samples, and integer
convolutions. Networks of matrix products (transformers) choose their ranges while they run, because those of
text vary much from input to input. Weights have a scale for every output channel in both.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lepton_lab.compression.contract import Batches, Method
from lepton_lab.compression.graphs import is_convolutional, outside
from lepton_lab.compression.weights_int8 import shrink
from lepton_lab.errors import LeptonError

_STATIC = (
    "Conv", "Gemm", "MatMul", "Add", "Mul", "Clip", "Relu", "Sigmoid", "Concat", "MaxPool", "AveragePool",
    "GlobalAveragePool",
)  # fmt: skip


def rewrite(source: Path, samples: Batches, target: Path) -> None:
    """Write the int8 form of an ONNX file.

    Raises:
        LeptonError: The quantizer cannot handle the graph, or it holds nothing to quantize.
    """
    import onnx

    model = onnx.load(source)
    static = is_convolutional(model)
    if not static and not any(node.op_type in ("MatMul", "Gemm") for node in model.graph.node):
        raise LeptonError(
            "int8 does not fit this model.",
            "Its graph has neither convolutions nor matrix products.",
            "lab.compress(run, quantize='fp16')",
        )
    try:
        with _quietly(), tempfile.TemporaryDirectory() as folder:
            ready = Path(folder) / "ready.onnx"
            # What the tracer noted of shapes goes out of date when the quantizer turns weights around.
            del model.graph.value_info[:]
            onnx.save(onnx.shape_inference.infer_shapes(model) if static else model, ready)
            (_static if static else _dynamic)(ready, model, samples, target)
    except LeptonError:
        raise
    except Exception as error:  # the quantizer's exceptions share no base class
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise LeptonError(
            "This model cannot be written in int8.", f"The quantizer stopped: {reason}",
            "lab.compress(run, quantize='fp16,weights-int8')",
        ) from error  # fmt: skip


def _static(ready: Path, model: Any, samples: Batches, target: Path) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.calibrate import CalibrationMethod

    quantize_static(
        str(ready),
        str(target),
        _reader(samples, {node.name for node in model.graph.input}),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(_STATIC),
        nodes_to_exclude=outside(model),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )


def _dynamic(ready: Path, model: Any, samples: Batches, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        str(ready),
        str(target),
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        weight_type=QuantType.QInt8,
    )
    rest = onnx.load(target)
    shrink(rest)  # rows of an embedding get a scale each
    onnx.save(rest, target)


def _reader(samples: Batches, inputs: set[str]) -> Any:
    """The samples as the calibration asks for them; what is for the answer alone is left out."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = ({name: batch[name] for name in inputs} for batch in samples)

        def get_next(self) -> Any:
            return next(self.left, None)

    return Reader()


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """The quantizer logs advice to the root logger."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


RECORD = Method("int8", "weights and activations in 8 bits, per channel", rewrite)
