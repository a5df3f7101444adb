# SPDX-License-Identifier: BSD-3-Clause
"""The runtime alone, on an artifact made by hand: a graph of three nodes that any eye can check."""

import io
import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from lepton_lab.runtime.__main__ import main
from lepton_lab.runtime.errors import BundleError
from lepton_lab.runtime.inputs import preparer
from lepton_lab.runtime.manifest import check_files, describe_file, list_files, read_manifest
from lepton_lab.runtime.predictor import Predictor
from lepton_lab.runtime.probe import BATCH_SIZES, unpacked
from lepton_lab.runtime.verify import verify

RULE = {
    "kind": "image",
    "channels": 3,
    "resize": {"mode": "exact", "size": [4, 4], "interpolation": "bilinear"},
    "crop": None,
}


def color(name):
    buffer = io.BytesIO()
    Image.new("RGB", (9, 7), name).save(buffer, "PNG")
    return buffer.getvalue()


def graph():
    """The mean of each color over the picture, through a softmax: red, green or blue."""
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 4, 4, 3])
    found = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 3])
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        helper.make_node("Softmax", ["mean"], ["probabilities"], axis=-1),
    ]
    axes = helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2])
    body = helper.make_graph(nodes, "colors", [image], [found], [axes])
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def write_manifest(folder, **changes):
    manifest = {
        "format_version": 1, "task": "image-classification", "labels": ["red", "green", "blue"],
        "formats": ["onnx"], "input": {"kind": "image"}, "output": {}, "preprocessing": RULE,
        "files": {n: describe_file(folder / n) for n in list_files(folder) if n != "manifest.json"},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "colors.lepton"
    (folder / "golden").mkdir(parents=True)
    onnx.save(graph(), folder / "model.onnx")
    (folder / "golden" / "0.png").write_bytes(color("lime"))
    sample = {"file": "0.png", "probabilities": [0.0, 1.0, 0.0]}
    expected = {"tolerance": 0.01, "samples": [sample]}
    (folder / "golden" / "expected.json").write_text(json.dumps(expected))
    write_manifest(folder)
    return folder


def test_answers_come_with_labels_in_the_order_of_the_inputs(folder):
    names = ["red", "blue", "lime"]
    answers = Predictor(folder).predict([color(name) for name in names], batch=2)
    assert [answer.label for answer in answers] == ["red", "blue", "green"]
    assert answers[0].probability == pytest.approx(1.0)
    assert answers[1].top(1) == [("blue", pytest.approx(1.0))]


def test_no_inputs_give_no_answers(folder):
    assert Predictor(folder).predict([]) == []


def test_verify_counts_files_and_golden_samples(folder):
    report = verify(folder)
    assert (report["files"], report["golden"]) == (3, 1)
    assert report["largest_difference"] < 0.01


def test_a_golden_answer_beyond_the_tolerance_is_named(folder):
    sample = {"file": "0.png", "answer": "red 1.000", "probabilities": [1.0, 0.0, 0.0]}
    text = json.dumps({"tolerance": 0.01, "samples": [sample]})
    (folder / "golden" / "expected.json").write_text(text)
    write_manifest(folder)
    with pytest.raises(BundleError, match=r"green 1\.000.* instead of red 1\.000") as caught:
        verify(folder)
    assert caught.value.file == "golden/0.png"


@pytest.mark.parametrize("answer", [{}, {"probabilities": "many"}, {"probabilities": [0.5, 0.5]}])
def test_a_golden_answer_of_another_kind_is_refused(folder, answer):
    text = json.dumps({"tolerance": 0.01, "samples": [{"file": "0.png", **answer}]})
    (folder / "golden" / "expected.json").write_text(text)
    write_manifest(folder)
    with pytest.raises(BundleError):
        verify(folder)


def test_golden_names_that_leave_the_folder_are_refused(folder):
    sample = {"file": "../../secret.png", "probabilities": [1.0, 0.0, 0.0]}
    text = json.dumps({"tolerance": 0.01, "samples": [sample]})
    (folder / "golden" / "expected.json").write_text(text)
    write_manifest(folder)
    with pytest.raises(BundleError, match="leaves the artifact"):
        verify(folder)


def test_a_graph_that_reads_a_file_outside_is_refused(folder):
    secret = folder.parent / "secret.bin"
    secret.write_bytes(np.array([1, 2], np.int64).tobytes())
    model = graph()
    (axes,) = model.graph.initializer
    axes.ClearField("int64_data")
    axes.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../secret.bin"), ("length", "16")):
        entry = axes.external_data.add()
        entry.key, entry.value = key, value
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    write_manifest(folder)
    with pytest.raises(BundleError, match="cannot be loaded") as caught:
        Predictor(folder)
    assert caught.value.file == "model.onnx"


def test_a_damaged_graph_is_one_clear_error(folder):
    (folder / "model.onnx").write_bytes(b"no graph")
    write_manifest(folder)
    with pytest.raises(BundleError, match="cannot be loaded by onnxruntime"):
        Predictor(folder)


def test_an_unknown_kind_of_input_says_so(folder):
    write_manifest(folder, preprocessing={"kind": "smell"})
    with pytest.raises(BundleError, match="kind 'smell'"):
        Predictor(folder).predict([b""])
    with pytest.raises(BundleError):
        preparer({})


def test_files_are_compared_with_the_manifest(folder):
    assert check_files(folder, read_manifest(folder)) == 3
    (folder / "golden" / "0.png").write_bytes(color("red"))
    with pytest.raises(BundleError, match="was changed") as caught:
        check_files(folder, read_manifest(folder))
    assert caught.value.file == "golden/0.png"


def test_a_folder_without_a_manifest_is_no_artifact(tmp_path):
    with pytest.raises(BundleError, match="is no artifact"):
        read_manifest(tmp_path)


def test_the_command_line_prints_text_or_json(folder, tmp_path, capsys):
    (tmp_path / "leaf.png").write_bytes(color("lime"))
    leaf = str(tmp_path / "leaf.png")
    assert main(["--artifact", str(folder), "predict", leaf, "--top", "1"]) == 0
    assert capsys.readouterr().out == "leaf.png: green 1.000\n"
    assert main(["--artifact", str(folder), "--json", "predict", leaf, "--top", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["predictions"][0]["top"][0][0] == "green"
    assert main(["--artifact", str(folder), "verify"]) == 0
    assert "3 files are unchanged" in capsys.readouterr().out


def test_the_command_line_fails_with_one_line(folder, tmp_path, capsys):
    assert main(["--artifact", str(folder), "predict", str(tmp_path / "no.png")]) == 1
    assert capsys.readouterr().err.endswith("no.png: there is no such file\n")
    (folder / "model.onnx").write_bytes(b"x")
    assert main(["--artifact", str(folder), "--json", "verify"]) == 1
    failure = json.loads(capsys.readouterr().out)
    assert failure["ok"] is False and failure["file"] == "model.onnx"


def test_a_probe_writes_every_output_in_every_batch_size(folder, tmp_path):
    samples = tmp_path / "samples"
    samples.mkdir()
    for number, name in enumerate(["red", "lime", "blue"] * 7):
        (samples / f"{number:03d}").write_bytes(color(name))
    output = tmp_path / "out.npz"
    assert main(["--artifact", str(folder), "probe", str(samples), str(output)]) == 0
    with np.load(output, allow_pickle=False) as found:
        assert list(found["labels"]) == ["red", "green", "blue"]
        assert len(found["inputs"]) == 21 and len(set(found["inputs"])) == 3
        for size in BATCH_SIZES:
            values = np.stack(unpacked(found, "probabilities", size))
            assert len(values) == (21 if size == 17 else 2 * size + 1)
            assert values.argmax(axis=1).tolist() == [i % 3 for i in range(len(values))]
        assert json.loads(str(found["facts"]))["compute_ms"]["1"] > 0


def test_the_runtime_imports_nothing_but_numpy_pillow_and_onnxruntime(folder):
    code = (
        "import sys; from lepton_lab.runtime.verify import verify; verify(sys.argv[1]);"
        "print(sorted({n.partition('.')[0] for n in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout.replace("'", '"')))
    assert {"numpy", "PIL", "onnxruntime"} <= loaded
    assert not loaded & {
        "torch",
        "torchvision",
        "timm",
        "transformers",
        "pandas",
        "onnx",
        "IPython",
    }
