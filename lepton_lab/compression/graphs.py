# SPDX-License-Identifier: BSD-3-Clause
"""What the methods must know of an ONNX graph: its kind, its weights, how large its numbers grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lepton_lab.compression.contract import Batches

WEIGHED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def is_convolutional(model: Any) -> bool:
    """Whether convolutions do most of the work; one that cuts an image into patches does not."""
    kinds = [node.op_type for node in model.graph.node]
    return kinds.count("Conv") > kinds.count("MatMul") + kinds.count("Gemm")


def outside(model: Any) -> list[str]:
    """Names of the nodes before the first layer with weights and behind the last one.

    What prepares the input and what turns logits into an answer is cheap, and has to stay exact.
    """
    nodes = list(model.graph.node)
    known = {tensor.name for tensor in model.graph.initializer}
    weighed = [i for i, n in enumerate(nodes) if n.op_type in WEIGHED and n.input[1] in known]
    if not weighed:
        return [node.name for node in nodes]
    return [node.name for node in [*nodes[: weighed[0]], *nodes[weighed[-1] + 1 :]]]


def session(path: Path, threads: int = 0) -> Any:
    """An ONNX Runtime session on the CPU.

    Args:
        path: The model file.
        threads: For one operator; 0 leaves it to the runtime.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(live: Any, batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All outputs of a session by name; of the batch it takes what it knows."""
    names = [output.name for output in live.get_outputs()]
    wanted = [node.name for node in live.get_inputs()]
    return dict(zip(names, live.run(names, {name: batch[name] for name in wanted}), strict=True))


def peaks(source: Path, samples: Batches, folder: Path) -> Iterator[tuple[str, float]]:
    """The largest absolute value of each float tensor inside a graph, over the samples, in graph order.

    Args:
        source: The model file.
        samples: What it is run on.
        folder: A place for the graph that also tells its insides.
    """
    import onnx
    from onnx import TensorProto, helper

    model = onnx.shape_inference.infer_shapes(onnx.load(source))
    known = {value.name: value.type.tensor_type.elem_type for value in model.graph.value_info}
    names = [
        name
        for node in model.graph.node
        for name in node.output
        if known.get(name) == TensorProto.FLOAT
    ]
    for number, name in enumerate(names):
        model.graph.node.append(helper.make_node("Abs", [name], [f"lepton-abs-{number}"]))
        model.graph.node.append(
            helper.make_node("ReduceMax", [f"lepton-abs-{number}"], [f"lepton-{number}"], keepdims=0)
        )
        model.graph.output.append(
            helper.make_tensor_value_info(f"lepton-{number}", TensorProto.FLOAT, [])
        )
    onnx.save(model, folder / "peaks.onnx")
    live, highest = session(folder / "peaks.onnx"), np.zeros(len(names))
    for batch in samples:
        found = run(live, batch)
        highest = np.maximum(highest, [found[f"lepton-{i}"] for i in range(len(names))])
    yield from zip(names, highest.tolist(), strict=True)
