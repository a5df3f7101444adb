# SPDX-License-Identifier: BSD-3-Clause
"""Small ONNX files made by hand, one of convolutions and one of look-ups and matrix products."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(0)


def _save(path, nodes, inputs, weights):
    tables = [numpy_helper.from_array(v.astype(np.float32), k) for k, v in weights.items()]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 5])
    graph = helper.make_graph(nodes, "small", inputs, [output], tables)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


def convolutions(path: Path, scale: float = 1.0) -> Path:
    """Pixels (batch, 3, 8, 8) to five logits through two convolutions; `scale` blows the first one up."""
    weights = {
        "one": RANDOM.normal(0, 0.3, (16, 3, 3, 3)) * scale,
        "two": RANDOM.normal(0, 0.1, (32, 16, 3, 3)) / scale,
        "head": RANDOM.normal(0, 0.2, (5, 32)),
    }
    nodes = [
        helper.make_node("Conv", ["image", "one"], ["a"], "conv-one", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("Conv", ["b", "two"], ["c"], "conv-two", pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"], "pool"),
        helper.make_node("Flatten", ["d"], ["e"], "flat"),
        helper.make_node("Gemm", ["e", "head"], ["logits"], "gemm", transB=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 8, 8])
    return _save(path, nodes, [image], weights)


def products(path: Path) -> Path:
    """Token numbers (batch, length) to five logits through a look-up and two matrix products."""
    weights = {
        "table": RANDOM.normal(0, 1, (40, 32)),
        "one": RANDOM.normal(0, 0.2, (32, 64)),
        "two": RANDOM.normal(0, 0.2, (64, 5)),
    }
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["a"], "look-up"),
        helper.make_node("MatMul", ["a", "one"], ["b"], "product-one"),
        helper.make_node("Relu", ["b"], ["c"], "relu"),
        helper.make_node("MatMul", ["c", "two"], ["d"], "product-two"),
        helper.make_node("Gather", ["d", "first"], ["logits"], "first", axis=1),
    ]
    tokens = helper.make_tensor_value_info("tokens", TensorProto.INT64, ["batch", "length"])
    path = _save(path, nodes, [tokens], weights)
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(np.array(0, np.int64), "first"))
    onnx.save(model, path)
    return path
