# SPDX-License-Identifier: BSD-3-Clause
"""Artifacts made by hand, with graphs that any eye can check, deployed like exported ones."""

import io
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

from lepton_lab.exporting.bundle import RUNTIME, _copy_runtime
from lepton_lab.runtime.manifest import describe_file, list_files
from lepton_lab.serving import write_deployment
from tests.runtime.sounds import tone, wav
from tests.runtime.tokenizers_of_tests import tokenizer_json

COLORS = {"red": "red", "green": "lime", "blue": "blue"}
PICTURES = {
    "kind": "image",
    "channels": 3,
    "resize": {"mode": "exact", "size": [4, 4], "interpolation": "bilinear"},
    "crop": None,
}
SCALE = {"at": [0, 99], "to": [0, 99]}
ROWS = {
    "kind": "row",
    "columns": [
        {"name": name, "kind": "number", "scales": [SCALE], "fill": [0.0], "indicator": False}
        for name in ("x", "y")
    ],
}


def picture(color, size=(9, 7), kind="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, kind)
    return buffer.getvalue()


def mean_of_colors(work=0):
    """The mean of each color over the picture, through a softmax; `work` matrix products on the way."""
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
    ]
    constants = [helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2])]
    last = "mean"
    if work:
        constants.append(helper.make_tensor("side", TensorProto.INT64, [2], [900, 900]))
        nodes.append(helper.make_node("ReduceMax", ["mean"], ["top"], keepdims=0))
        nodes.append(helper.make_node("Expand", ["top", "side"], ["m0"]))
        nodes += [helper.make_node("MatMul", ["m0", f"m{i}"], [f"m{i + 1}"]) for i in range(work)]
        nodes.append(helper.make_node("ReduceMin", [f"m{work}"], ["least"], keepdims=0))
        nodes.append(helper.make_node("Sub", ["least", "least"], ["nothing"]))
        nodes.append(helper.make_node("Add", ["mean", "nothing"], ["same"]))
        last = "same"
    nodes.append(helper.make_node("Softmax", [last], ["probabilities"], axis=-1))
    return nodes, constants, ("image", TensorProto.UINT8, ["batch", 4, 4, 3])


def larger_of_two():
    """Which of two columns is larger; a table of ten is looked up on the way, so 10 and more fail."""
    nodes = [
        helper.make_node("Cast", ["numbers"], ["index"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "index"], ["found"]),
        helper.make_node("Softmax", ["found"], ["probabilities"], axis=-1),
    ]
    table = helper.make_tensor("table", TensorProto.FLOAT, [10], list(range(10)))
    return nodes, [table], ("numbers", TensorProto.FLOAT, ["batch", 2])


def number_of_tokens():
    """Short or long: more than four tokens, the two special ones counted, are long."""
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["mask", "axes"], ["count"], keepdims=1),
        helper.make_node("Sub", ["count", "limit"], ["long"]),
        helper.make_node("Neg", ["long"], ["short"]),
        helper.make_node("Concat", ["short", "long"], ["logits"], axis=1),
        helper.make_node("Mul", ["logits", "sharp"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], ["probabilities"], axis=-1),
    ]
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
        helper.make_tensor("limit", TensorProto.FLOAT, [1], [4.5]),
        helper.make_tensor("sharp", TensorProto.FLOAT, [1], [20.0]),
    ]
    return nodes, constants, ("attention_mask", TensorProto.INT64, ["batch", "length"])


def write(folder, parts, preprocessing, labels, golden, name="colors", assets=(), output=None, outputs=None):
    """A whole artifact. `golden`: file, content, and what is kept of the answer: probabilities, or a dict."""
    nodes, constants, (source, dtype, shape) = parts
    outputs = outputs or {"probabilities": ["batch", len(labels)]}
    found = [helper.make_tensor_value_info(key, TensorProto.FLOAT, size) for key, size in outputs.items()]
    graph = helper.make_graph(
        nodes, "by-hand", [helper.make_tensor_value_info(source, dtype, shape)], found, constants
    )
    folder = Path(folder)
    (folder / "golden").mkdir(parents=True)
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), folder / "model.onnx")
    samples = []
    for file, data, kept in golden:
        (folder / "golden" / file).write_bytes(data)
        kept = kept if isinstance(kept, dict) else {"probabilities": kept}
        samples.append({"file": file, "target": 0, **kept})
    expected = {"tolerance": 0.01, "samples": samples}
    (folder / "golden" / "expected.json").write_text(json.dumps(expected))
    for file, data in dict(assets).items():
        (folder / "assets").mkdir(exist_ok=True)
        (folder / "assets" / file).write_bytes(data)
    _copy_runtime(folder / RUNTIME)
    manifest = {
        "format_version": 1, "name": name, "task": f"{preprocessing['kind']}-classification",
        "labels": labels, "formats": ["onnx"], "input": {"kind": preprocessing["kind"]},
        "output": output or {"kind": "classes"}, "preprocessing": preprocessing, "files": {}, "trained": True,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    needs = ["numpy>=1.26", "pillow>=11", "onnxruntime>=1.20"]
    write_deployment(folder, needs)
    reseal(folder)
    return folder


def reseal(folder, **changes):
    manifest = json.loads((folder / "manifest.json").read_text()) | changes
    names = [name for name in list_files(folder) if name != "manifest.json"]
    manifest["files"] = {name: describe_file(folder / name) for name in names}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def colors(folder, work=0, name="colors"):
    golden = [
        (f"{i}.png", picture(color), [float(i == k) for k in range(3)])
        for i, color in enumerate(COLORS.values())
    ]
    return write(folder, mean_of_colors(work), PICTURES, list(COLORS), golden, name)


def texts(folder):
    rule = {
        "kind": "text", "tokenizer": "tokenizer.json", "max_length": 16, "characters": 1000,
        "pair": False, "inputs": ["input_ids", "attention_mask"], "pad": 0,
    }  # fmt: skip
    golden = [("0.txt", b"Anna", [1.0, 0.0])]
    assets = {"tokenizer.json": tokenizer_json()}
    return write(folder, number_of_tokens(), rule, ["short", "long"], golden, "length", assets)


def rows(folder):
    golden = [("0.json", b'{"x": 9, "y": 0}', [1.0, 0.0])]
    return write(folder, larger_of_two(), ROWS, ["x", "y"], golden, "larger")


def sounds(folder):
    """Quiet or loud: the mean of the samples without their sign, against a tenth."""
    rule = {
        "kind": "sound", "rate": 8000, "samples": 800,
        "features": {"form": "wave", "normalize": False, "mask": False},
    }  # fmt: skip
    nodes = [
        helper.make_node("Abs", ["input_values"], ["loud"]),
        helper.make_node("ReduceMean", ["loud", "axes"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["mean", "limit"], ["above"]),
        helper.make_node("Neg", ["above"], ["below"]),
        helper.make_node("Concat", ["below", "above"], ["both"], axis=1),
        helper.make_node("Mul", ["both", "sharp"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], ["probabilities"], axis=-1),
    ]
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
        helper.make_tensor("limit", TensorProto.FLOAT, [1], [0.1]),
        helper.make_tensor("sharp", TensorProto.FLOAT, [1], [50.0]),
    ]
    parts = nodes, constants, ("input_values", TensorProto.FLOAT, ["batch", 800])
    golden = [("0.wav", wav(tone(440, seconds=0.1)), [0.0, 1.0]), ("1.wav", wav(np.zeros(800)), [1.0, 0.0])]
    return write(folder, parts, rule, ["quiet", "loud"], golden, "loudness")


def spans(folder):
    """People and places by a table of sub-words."""
    tokenizer = tokenizer_json()
    tags = ["O", "B-PER", "I-PER", "B-LOC"]
    vocabulary = json.loads(tokenizer)["model"]["vocab"]
    known = {"anna": 1, "bob": 1, "acme": 2, "paris": 3, "berlin": 3}
    table = np.zeros((len(vocabulary), len(tags)), np.float32)
    for word, place in vocabulary.items():
        table[place, known.get(word, 0)] = 4.0
    rule = {
        "kind": "words", "tokenizer": "tokenizer.json", "max_length": 16, "stride": 4, "max_windows": 4,
        "split": "punctuation", "inputs": ["input_ids"], "pad": 0,
    }  # fmt: skip
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    constants = [helper.make_tensor("table", TensorProto.FLOAT, table.shape, table.ravel())]
    parts = nodes, constants, ("input_ids", TensorProto.INT64, ["batch", "length"])
    sure = float(np.exp(4) / (np.exp(4) + 3))
    golden = [("0.txt", b"Anna in Paris", {"words": 3, "tags": [1, 0, 3], "probabilities": [sure] * 3})]
    return write(
        folder, parts, rule, tags, golden, "names", {"tokenizer.json": tokenizer}, {"kind": "spans"},
        {"probabilities": ["batch", "length", len(tags)]},
    )  # fmt: skip


def boxes(folder, labels=("warm", "cold")):
    """The left half is as warm as the picture is red, the lower right quarter as cold as it is blue."""
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["share"]),
        helper.make_node("Gather", ["share", "order"], ["chosen"], axis=1),
        helper.make_node("Mul", ["chosen", "kept"], ["scores"]),
        helper.make_node("Mul", ["scores", "nothing"], ["none"]),
        helper.make_node("ReduceSum", ["none", "last"], ["zero"], keepdims=1),
        helper.make_node("Add", ["zero", "corners"], ["boxes"]),
    ]
    corners = [0.0, 0.0, 0.5, 1.0, 0.5, 0.5, 1.0, 1.0]
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2]),
        helper.make_tensor("white", TensorProto.FLOAT, [1], [255.0]),
        helper.make_tensor("order", TensorProto.INT64, [2, 2], [0, 2, 0, 2]),
        helper.make_tensor("kept", TensorProto.FLOAT, [2, 2], [1.0, 0.0, 0.0, 1.0]),
        helper.make_tensor("nothing", TensorProto.FLOAT, [1], [0.0]),
        helper.make_tensor("last", TensorProto.INT64, [1], [2]),
        helper.make_tensor("corners", TensorProto.FLOAT, [1, 2, 4], corners),
    ]
    parts = nodes, constants, ("image", TensorProto.UINT8, ["batch", 4, 4, 3])
    golden = [("0.png", picture("red"), {"boxes": [[0, 1.0, 0.0, 0.0, 0.5, 1.0]]})]
    output = {"kind": "boxes", "top": 10, "threshold": 0.5}
    outputs = {"scores": ["batch", 2, 2], "boxes": ["batch", 2, 4]}
    return write(folder, parts, PICTURES, list(labels), golden, "heat", (), output, outputs)


def masks(folder):
    """The strongest color of each pixel, on a grid of four by four."""
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["x"], ["logits"], perm=[0, 3, 1, 2]),
    ]
    parts = nodes, [], ("image", TensorProto.UINT8, ["batch", 4, 4, 3])
    golden = [("0.png", picture("lime"), {"size": [4, 4], "runs": [[1, 16]]})]
    outputs = {"logits": ["batch", 3, 4, 4]}
    return write(folder, parts, PICTURES, list(COLORS), golden, "parts", (), {"kind": "mask"}, outputs)


def numbers(folder):
    """The sum of two columns."""
    nodes = [helper.make_node("ReduceSum", ["numbers", "axes"], ["value"], keepdims=0)]
    constants = [helper.make_tensor("axes", TensorProto.INT64, [1], [1])]
    parts = nodes, constants, ("numbers", TensorProto.FLOAT, ["batch", 2])
    golden = [("0.json", b'{"x": 9, "y": 0.5}', {"value": 9.5})]
    output = {"kind": "number", "scale": 1.0}
    return write(folder, parts, ROWS, [], golden, "sum", (), output, {"value": ["batch"]})
