# SPDX-License-Identifier: BSD-3-Clause
"""weights-int8: weights are stored in eight bits and computed with in fp32.

Each output channel has a scale of its own. Weights of layers are scaled back by a cast and a
multiplication, which the runtime carries out once when it loads the file, so that answers cost what they
did. Rows of an embedding are looked up while they are int8 and scaled behind the look-up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lepton_lab.compression.contract import Batches, Method
from lepton_lab.errors import LeptonError

# What is smaller saves nothing.
SMALLEST = 1024


def rewrite(source: Path, samples: Batches, target: Path) -> None:
    """Write an ONNX file with int8 weights.

    Raises:
        LeptonError: No weight is large enough.
    """
    import onnx

    model = onnx.load(source)
    if not shrink(model):
        raise LeptonError(
            "weights-int8 does not fit this model.",
            f"It has no weight of {SMALLEST} numbers or more.",
            "lab.compress(run, quantize='fp16')",
        )
    onnx.save(model, target)


def shrink(model: Any) -> int:
    """Turn the large fp32 weights of a loaded ONNX model into int8 ones; returns how many there were."""
    import onnx
    from onnx import helper, numpy_helper

    graph = model.graph
    tables = {t.name: t for t in graph.initializer if t.data_type == onnx.TensorProto.FLOAT}
    layers, lookups = _layers(graph, tables), _lookups(graph, tables)
    first = []
    for name, axis in [*layers.items(), *dict.fromkeys(lookups, 0).items()]:
        values, scales = quantized(numpy_helper.to_array(tables[name]), axis)
        graph.initializer.remove(tables[name])
        graph.initializer.append(numpy_helper.from_array(values, f"{name}.int8"))
        graph.initializer.append(numpy_helper.from_array(scales, f"{name}.scale"))
        if name in layers:
            first += [
                helper.make_node("Cast", [f"{name}.int8"], [f"{name}.fp32"], to=onnx.TensorProto.FLOAT),
                helper.make_node("Mul", [f"{name}.fp32", f"{name}.scale"], [name]),
            ]
    rest = [new for node in graph.node for new in _rewritten(node, set(lookups), helper)]
    del graph.node[:]
    graph.node.extend([*first, *rest])
    return len(layers) + len(lookups)


def quantized(weights: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """int8 values of the same shape, and their float32 scales with one index for each of `axis`.

    >>> values, scales = quantized(np.array([[1.0, -2.0], [0.0, 0.0]], np.float32), 0)
    >>> values.tolist(), scales.shape
    ([[64, -127], [0, 0]], (2, 1))
    """
    others = tuple(i for i in range(weights.ndim) if i != axis)
    scales = np.abs(weights).max(axis=others, keepdims=True).astype(np.float32) / np.float32(127)
    scales[scales == 0] = 1.0
    return np.rint(weights / scales).clip(-127, 127).astype(np.int8), scales


def _layers(graph: Any, tables: dict[str, Any]) -> dict[str, int]:
    """Constant weight -> axis of its output channels, of each layer that is large enough."""
    found: dict[str, int] = {}
    for node in graph.node:
        name = node.input[1] if len(node.input) > 1 else ""
        if name not in tables or np.prod(tables[name].dims) < SMALLEST:
            continue
        last = len(tables[name].dims) - 1
        if node.op_type == "Conv":
            found[name] = 0
        elif node.op_type == "ConvTranspose":
            found[name] = 1
        elif node.op_type == "MatMul" and last > 0:
            found[name] = last
        elif node.op_type == "Gemm":
            found[name] = 0 if any(a.name == "transB" and a.i for a in node.attribute) else 1
    return found


def _lookups(graph: Any, tables: dict[str, Any]) -> list[str]:
    """Large tables of which rows are looked up, and that nothing else uses."""
    uses: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            uses.setdefault(name, []).append(node)
    return [
        name
        for name, table in tables.items()
        if len(table.dims) == 2
        and np.prod(table.dims) >= SMALLEST
        and all(_looks_up(node, name) for node in uses.get(name, []))
    ]


def _looks_up(node: Any, name: str) -> bool:
    axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
    return node.op_type == "Gather" and node.input[0] == name and axis == 0


def _rewritten(node: Any, lookups: set[str], helper: Any) -> list[Any]:
    """A look-up as that of int8 rows and of their scales; every other node as it is."""
    if node.op_type != "Gather" or node.input[0] not in lookups:
        return [node]
    import onnx

    table, rows, out = node.input[0], node.input[1], node.output[0]
    return [
        helper.make_node("Gather", [f"{table}.int8", rows], [f"{out}.int8"], axis=0),
        helper.make_node("Cast", [f"{out}.int8"], [f"{out}.fp32"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Gather", [f"{table}.scale", rows], [f"{out}.scale"], axis=0),
        helper.make_node("Mul", [f"{out}.fp32", f"{out}.scale"], [out]),
    ]


RECORD = Method("weights-int8", "weights in 8 bits, computed in fp32", rewrite)
