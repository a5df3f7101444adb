# SPDX-License-Identifier: BSD-3-Clause
"""Fewer bits: each method writes a smaller file that answers alike, or says why it cannot."""

from collections import Counter

import numpy as np
import onnx
import pytest

from lepton_lab.compression import fp16, int8, weights_int8
from lepton_lab.compression.graphs import is_convolutional, outside, peaks, run, session
from lepton_lab.compression.registered import QUANTIZERS, methods
from lepton_lab.errors import LeptonError
from tests.compression.graphs import convolutions, products

IMAGES = [{"image": np.random.default_rng(i).normal(0, 1, (8, 3, 8, 8)).astype(np.float32)} for i in range(4)]
TEXTS = [{"tokens": np.random.default_rng(i).integers(0, 40, (8, 6)), "beside": np.zeros(8)} for i in range(4)]
KINDS = [(convolutions, IMAGES), (products, TEXTS)]


def kinds_of(path):
    return Counter(node.op_type for node in onnx.load(path).graph.node)


@pytest.mark.parametrize("name", QUANTIZERS)
@pytest.mark.parametrize(("make", "samples"), KINDS, ids=["convolutions", "products"])
def test_the_file_is_smaller_and_answers_alike(name, make, samples, tmp_path):
    source, target = make(tmp_path / "source.onnx"), tmp_path / "target.onnx"
    methods.get(name).rewrite(source, samples, target)
    before, after = run(session(source), samples[0]), run(session(target), samples[0])
    reach = np.abs(before["logits"]).max()
    assert np.abs(before["logits"] - after["logits"]).max() < 0.06 * reach
    assert after["logits"].dtype == np.float32
    weights = lambda path: sum(len(t.SerializeToString()) for t in onnx.load(path).graph.initializer)  # noqa: E731
    assert weights(target) < 0.6 * weights(source)


def test_convolutions_get_fixed_ranges_per_channel_and_never_dynamic_ones(tmp_path):
    source = convolutions(tmp_path / "a.onnx")
    int8.rewrite(source, IMAGES, tmp_path / "b.onnx")
    kinds = kinds_of(tmp_path / "b.onnx")
    assert kinds["QuantizeLinear"]
    assert not kinds["DynamicQuantizeLinear"] and not kinds["ConvInteger"]
    tables = {t.name: t for t in onnx.load(tmp_path / "b.onnx").graph.initializer}
    (scale,) = [t for name, t in tables.items() if name.startswith("two") and "scale" in name]
    assert list(scale.dims) == [32]


def test_matrix_products_choose_their_ranges_while_they_run(tmp_path):
    int8.rewrite(products(tmp_path / "a.onnx"), TEXTS, tmp_path / "b.onnx")
    kinds = kinds_of(tmp_path / "b.onnx")
    assert kinds["MatMulInteger"] == 2
    assert kinds["DynamicQuantizeLinear"] == 2 and not kinds["QuantizeLinear"]


def test_what_prepares_and_what_answers_stays_exact(tmp_path):
    model = onnx.load(convolutions(tmp_path / "a.onnx"))
    node = onnx.helper.make_node("Mul", ["raw", "raw"], ["image"], "square")
    model.graph.node.insert(0, node)
    model.graph.node.append(onnx.helper.make_node("Softmax", ["logits"], ["shares"], "softmax"))
    assert outside(model) == ["square", "softmax"]
    assert is_convolutional(model)


def test_a_number_too_large_for_fp16_is_found_inside_the_graph(tmp_path):
    source = convolutions(tmp_path / "a.onnx", scale=1e5)
    with pytest.raises(LeptonError, match="overflows in fp16") as caught:
        fp16.rewrite(source, IMAGES, tmp_path / "b.onnx")
    assert "65504" in caught.value.why
    assert not (tmp_path / "b.onnx").exists()


def test_a_hidden_overflow_is_found_where_every_weight_fits(tmp_path):
    source = convolutions(tmp_path / "a.onnx", scale=2e4)
    largest = max(np.abs(onnx.numpy_helper.to_array(t)).max() for t in onnx.load(source).graph.initializer)
    assert largest < 65504
    with pytest.raises(LeptonError, match="overflows in fp16") as caught:
        fp16.rewrite(source, IMAGES, tmp_path / "b.onnx")
    assert "The number 'a'" in caught.value.why


def test_a_mask_that_stands_for_infinity_is_no_overflow(tmp_path):
    model = onnx.load(products(tmp_path / "a.onnx"))
    model.graph.node.append(onnx.helper.make_node("Max", ["b", "lowest"], ["masked"], "mask"))
    lowest = np.array(np.finfo(np.float32).min)
    model.graph.initializer.append(onnx.numpy_helper.from_array(lowest, "lowest"))
    onnx.save(model, tmp_path / "a.onnx")
    fp16.rewrite(tmp_path / "a.onnx", TEXTS, tmp_path / "b.onnx")
    assert np.isfinite(run(session(tmp_path / "b.onnx"), TEXTS[0])["logits"]).all()


def test_peaks_are_those_of_the_graph(tmp_path):
    source = convolutions(tmp_path / "a.onnx")
    found = dict(peaks(source, IMAGES, tmp_path))
    assert found["a"] >= found["b"] > 0
    every = max(float(np.abs(run(session(source), batch)["logits"]).max()) for batch in IMAGES)
    assert found.get("logits", every) == pytest.approx(every, rel=1e-5)


def test_int8_weights_lie_within_half_a_step_of_the_true_ones():
    weights = np.random.default_rng(0).normal(0, 1, (7, 20)).astype(np.float32) * np.arange(7)[:, None]
    values, scales = weights_int8.quantized(weights, 0)
    assert values.dtype == np.int8 and scales.shape == (7, 1)
    assert (np.abs(values * scales - weights) <= scales / 2 + 1e-6).all()
    assert np.abs(values[1:]).max(axis=1).tolist() == [127] * 6


def test_rows_are_looked_up_while_they_are_int8(tmp_path):
    weights_int8.rewrite(products(tmp_path / "a.onnx"), TEXTS, tmp_path / "b.onnx")
    model = onnx.load(tmp_path / "b.onnx")
    tables = {t.name: t.data_type for t in model.graph.initializer}
    assert tables["table.int8"] == onnx.TensorProto.INT8
    gathers = [n.input[0] for n in model.graph.node if n.op_type == "Gather"]
    assert "table.int8" in gathers and "table" not in tables


def test_a_graph_without_weights_is_refused_by_all(tmp_path):
    node = onnx.helper.make_node("Relu", ["x"], ["y"], "relu")
    x, y = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ["batch", 2]) for n in "xy")
    graph = onnx.helper.make_graph([node], "nothing", [x], [y])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10), tmp_path / "a.onnx")
    batch = [{"x": np.zeros((1, 2), np.float32)}]
    for method in (int8, weights_int8):
        with pytest.raises(LeptonError, match="does not fit this model"):
            method.rewrite(tmp_path / "a.onnx", batch, tmp_path / "b.onnx")
