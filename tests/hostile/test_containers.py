# SPDX-License-Identifier: BSD-3-Clause
"""Damaged and hostile weights, archives, configurations and graphs: refused in words, at once, with nothing read or written elsewhere."""

from __future__ import annotations

import json
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.runtime.manifest import describe_file, list_files

SECRET = "the-secret-of-another-file"
SPAN = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def tensors(header: Any, data: bytes = b"\0" * 8, length: int | None = None) -> bytes:
    """A safetensors file; `header` is JSON or raw bytes."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


SAFETENSORS: dict[str, bytes] = {
    "empty file": b"",
    "a length and no more": struct.pack("<Q", 9),
    "header of 2^63 bytes": tensors({}, length=1 << 63),
    "header of 100 MB that is not there": tensors({}, length=100_000_000),
    "header in no alphabet": tensors(b"\xff\xfe{}"),
    "header without an end": tensors(b'{"conv1.weight": {'),
    "header as deep as a well": tensors(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "header that is a list": tensors([1, 2]),
    "tensors that overlap": tensors({"a": SPAN, "b": SPAN}),
    "a hole before a tensor": tensors({"a": {**SPAN, "data_offsets": [4, 12]}}, b"\0" * 12),
    "a tensor behind the end": tensors({"a": {**SPAN, "data_offsets": [0, 1 << 40]}}),
    "a shape larger than its data": tensors({"a": {**SPAN, "shape": [1 << 31, 1 << 31]}}),
    "another file behind the tensors": tensors({"a": SPAN}, b"\0" * 8 + b"PK\x03\x04" * 9),
    "a number format of its own": tensors({"a": {**SPAN, "dtype": "CODE"}}),
    "a negative shape": tensors({"a": {**SPAN, "shape": [-2]}}),
    "a shape of words": tensors({"a": {**SPAN, "shape": ["many"]}}),
}  # fmt: skip

CONFIGS: dict[str, str] = {
    "code beside the model": json.dumps({"model_type": "own", "auto_map": {"AutoModel": "evil.Model"}}),
    "kernel from a hub": json.dumps({"model_type": "own", "_attn_implementation_internal": "evil/kernel"}),
    "a part that trusts": json.dumps({"model_type": "own", "text_config": {"trust_remote_code": True, "auto_map": {"AutoConfig": "evil.C"}}}),
    "as deep as a well": '{"model_type":' + "[" * 100_000 + "]" * 100_000 + "}",
    "no end": '{"model_type": "bert"',
    "a list": "[1, 2]",
    "sizes that are words": json.dumps({"model_type": "bert", "hidden_size": "exec('touch evil')"}),
    "a size that no machine has": json.dumps({"model_type": "bert", "num_attention_heads": 7, "hidden_size": 10**15}),
    "an architecture from elsewhere": json.dumps({"architecture": "hf-hub:evil/model"}),
    "an architecture as a path": json.dumps({"architecture": "local-dir:../../evil"}),
}  # fmt: skip


def _archive(*members: tuple[Any, str]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in members:
                file.writestr(name, data)

    return write


def _special(name: str, kind: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (kind | 0o777) << 16
    return member


MANIFEST = ("a.lepton/manifest.json", "{}")
ARCHIVES: dict[str, Callable[[Path], None]] = {
    "a step up": _archive(MANIFEST, ("../evil", "")),
    "a step up from within": _archive(MANIFEST, ("a/../../evil", "")),
    "an absolute path": _archive(MANIFEST, ("/evil", "")),
    "a drive": _archive(MANIFEST, ("C:evil", "")),
    "another system's steps": _archive(MANIFEST, ("..\\evil", "")),
    "a symbolic link": _archive(MANIFEST, (_special("a.lepton/link", 0o120000), "/etc/passwd")),
    "a device": _archive(MANIFEST, (_special("a.lepton/null", 0o020000), "")),
    "a bomb": _archive(MANIFEST, ("a.lepton/zeros", "0" * (80 << 20))),
    "names that differ in case": _archive(MANIFEST, ("a.lepton/Model", ""), ("a.lepton/model", "")),
    "two manifests": _archive(MANIFEST, ("b.lepton/manifest.json", "{}")),
    "no manifest": _archive(("a.lepton/model.onnx", "")),
    "an end that is missing": lambda path: path.write_bytes(b"PK\x03\x04" + b"\0" * 40),  # type: ignore[dict-item]
}  # fmt: skip


def graph(weights: TensorProto | None = None, domain: str = "") -> bytes:
    """Sums of the colors of a picture, times `weights` where it is given."""
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 4, 4, 3])
    found = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 3])
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0, domain=domain),
        helper.make_node("Mul", ["mean", "w"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], ["probabilities"], axis=-1),
    ]
    w = weights or helper.make_tensor("w", TensorProto.FLOAT, [3], [1, 1, 1])
    axes = helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2])
    body = helper.make_graph(nodes, "colors", [image], [found], [axes, w])
    opsets = [helper.make_opsetid("", 20), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return bytes(helper.make_model(body, opset_imports=opsets, ir_version=10).SerializeToString())


def _elsewhere(location: str, offset: int = 0, length: int = 12) -> bytes:
    """A graph whose weights are said to lie in another file."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": offset, "length": length}.items():
        tensor.external_data.add(key=key, value=str(value))
    return graph(tensor)


def _oversized() -> bytes:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 40], raw_data=b"\0" * 12)
    return graph(tensor)


GRAPHS: dict[str, Callable[[Path], bytes]] = {
    "weights a step up": lambda root: _elsewhere("../secret"),
    "weights at an absolute path": lambda root: _elsewhere(str(root / "secret")),
    "weights behind a link": lambda root: _linked(root),
    "weights before the file's beginning": lambda root: _elsewhere("weights.bin", -8),
    "weights behind the file's end": lambda root: _elsewhere("weights.bin", 4, 1 << 40),
    "weights in a file that nobody listed": lambda root: _elsewhere("unlisted.bin"),
    "a tensor larger than its data": lambda root: _oversized(),
    "an operator of its own": lambda root: graph(domain="evil.operators"),
    "half a file": lambda root: graph()[:90],
}  # fmt: skip


def _linked(root: Path) -> bytes:
    (root / "evil.lepton" / "link.bin").symlink_to(root / "secret")
    return _elsewhere("link.bin")


def artifact(root: Path, model: Callable[[Path], bytes]) -> Path:
    """An artifact whose manifest agrees with all that is in it, as its author would see to."""
    folder = root / "evil.lepton"
    folder.mkdir()
    (root / "secret").write_bytes(SECRET.encode())
    (folder / "weights.bin").write_bytes(np.ones(3, np.float32).tobytes())
    (folder / "model.onnx").write_bytes(model(root))
    names = [path.name for path in folder.iterdir() if not path.is_symlink()]
    rule = {"kind": "image", "channels": 3, "crop": None}
    rule["resize"] = {"mode": "exact", "size": [4, 4], "interpolation": "bilinear"}
    manifest = {
        "format_version": 1, "task": "image-classification", "labels": ["red", "green", "blue"], "name": "evil",
        "formats": ["onnx"], "input": {"kind": "image"}, "output": {}, "preprocessing": rule, "trained": True,
        "files": {name: describe_file(folder / name) for name in names},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def refuse(act: Callable[[], Any]) -> str:
    """What is said; under half a second of this process's time."""
    started = time.process_time()
    with pytest.raises(LeptonError) as refused:
        act()
    assert time.process_time() - started < 0.5
    assert len(str(refused.value).splitlines()) <= 3
    return str(refused.value)


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """What is measured below is the refusal and not the first import of a framework."""
    lab.load_model("test_resnet", weights="none")


def test_there_are_many_of_them() -> None:
    assert len(SAFETENSORS) + len(CONFIGS) + len(ARCHIVES) + len(GRAPHS) >= 39


@pytest.mark.parametrize("name", SAFETENSORS)
def test_weights_that_are_no_plain_numbers_are_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(SAFETENSORS[name])
    assert "model.safetensors" in refuse(lambda: lab.load_model("test_resnet", weights=str(file)))
    (tmp_path / "config.json").write_text('{"architecture": "test_resnet"}')
    refuse(lambda: lab.load_model(str(tmp_path)))


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_names_no_code_and_no_other_place(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(CONFIGS[name])
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    (folder / "model.safetensors").write_bytes(tensors({"a": SPAN}))
    refuse(lambda: lab.load_model(str(folder), task="text-classification"))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_stays_in_its_folder(name: str, tmp_path: Path) -> None:
    ARCHIVES[name](tmp_path / "a.zip")
    refuse(lambda: lab.load_artifact(tmp_path / "a.zip"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_reads_nothing_but_its_own_files(name: str, tmp_path: Path) -> None:
    folder = artifact(tmp_path, GRAPHS[name])
    if name == "weights in a file that nobody listed":
        (folder / "unlisted.bin").write_bytes(bytes(12))
    picture = Image.new("RGB", (8, 8), "red")
    said = refuse(lambda: lab.load_artifact(folder).predict(picture))
    assert SECRET not in said


def test_an_honest_graph_of_the_same_shape_answers(tmp_path: Path) -> None:
    folder = artifact(tmp_path, lambda root: _elsewhere("weights.bin"))
    assert lab.load_artifact(folder).predict(Image.new("RGB", (8, 8), "red")).label == "red"
    assert onnx.load(folder / "model.onnx", load_external_data=False).graph.name == "colors"
    assert sorted(list_files(folder)) == ["manifest.json", "model.onnx", "weights.bin"]
