# SPDX-License-Identifier: BSD-3-Clause
"""A .pt2 runs in any batch size with torch alone, and one that could do more is not loaded."""

import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from lepton_lab import durable
from lepton_lab.errors import LeptonError, NotFoundError, StorageError
from lepton_lab.exporting import export, formats, load_artifact, program, writer
from lepton_lab.exporting.bundle import seal
from lepton_lab.runtime.manifest import check_files


@pytest.fixture(scope="module")
def everything(subject, tmp_path_factory):
    """All formats, on a machine without the package of one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lepton_lab.exporting.executorch.find_spec", lambda name: None)
        return export(subject, "all", tmp_path_factory.mktemp("all") / "pets.lepton")


@pytest.fixture(scope="module")
def artifact(everything, tmp_path_factory):
    """It holds the .pt2 alone."""
    folder = tmp_path_factory.mktemp("torch") / "pets.lepton"
    shutil.copytree(everything.path, folder)
    for name in ("model.onnx", "model.safetensors", "config.json"):
        (folder / name).unlink()
    manifest = durable.read_json(folder / "manifest.json")
    manifest["formats"] = ["torch"]
    durable.write_json(folder / "manifest.json", manifest)
    seal(folder)
    return load_artifact(folder)


def test_it_passed_in_a_process_without_the_code_of_the_model(everything):
    found = everything.certificate["formats"]["torch"]
    assert found["agreement"] == 1.0
    assert found["largest_difference"]["logits"] < 1e-5
    assert set(found["versions"]) == {"numpy", "pillow", "torch"}
    assert "torch>=2.10" in (everything.path / "requirements.txt").read_text().split()


def test_it_takes_every_batch_size(artifact, subject):
    import torch

    from lepton_lab.runtime.image import normalize

    compute = program.computing("torch", artifact.path)(0)
    model, rule = subject.module(), subject.built.preprocessing
    for size in (1, 3, 17):
        pixels = np.random.default_rng(size).integers(0, 256, (size, 48, 48, 3), dtype=np.uint8)
        with torch.inference_mode():
            wanted = model(torch.from_numpy(normalize(pixels, rule))).numpy()
        found = compute({"image": pixels})
        np.testing.assert_allclose(found["logits"], wanted, atol=1e-5)
        np.testing.assert_allclose(found["probabilities"].sum(axis=1), 1, atol=1e-6)


def test_it_answers_where_neither_lepton_lab_nor_timm_can_be_imported(artifact, tmp_path):
    for name in ("lepton_lab", "timm", "transformers"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not here')")
    sample = json.loads((artifact.path / "golden" / "expected.json").read_text())["samples"][0]
    done = subprocess.run(
        [sys.executable, "program.py", "torch", "predict", f"golden/{sample['file']}"],
        cwd=artifact.path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == f"{sample['file']}: {sample['answer']}", done.stderr


def test_an_artifact_without_onnx_says_what_it_holds_and_how_it_is_used(artifact):
    with pytest.raises(StorageError, match=r"no model\.onnx \(it holds: torch\)"):
        artifact.predict(b"")
    assert artifact.verify().golden == 0
    shown = artifact._repr_mimebundle_()["text/plain"]
    assert "python program.py torch predict" in shown and "load_model" not in shown
    assert "python program.py torch predict" in (artifact.path / "MODEL_CARD.md").read_text("utf-8")


def test_the_file_holds_raw_tensors_and_json_and_no_name_of_a_local_file(artifact):
    with zipfile.ZipFile(artifact.path / "model.pt2") as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        graph = archive.read("model/models/model.json").decode()
    assert sizes["model/data/sample_inputs/model.pt"] == 0
    assert ".py" not in graph and "stack_trace" not in graph


def test_a_list_of_formats_is_strict(subject, tmp_path, monkeypatch):
    with pytest.raises(NotFoundError, match="Did you mean torch"):
        export(subject, "onnx,torhc", tmp_path / "a.lepton")
    monkeypatch.setattr("lepton_lab.exporting.executorch.find_spec", lambda name: None)
    with pytest.raises(LeptonError) as caught:
        export(subject, "executorch,torch", tmp_path / "a.lepton")
    assert str(caught.value).splitlines() == [
        "'pets' cannot be written as executorch.",
        "The package executorch is not installed.",
        'pip install "lepton-lab[edge]"',
    ]
    assert list(tmp_path.iterdir()) == []


def test_all_formats_leave_out_what_cannot_be_written_and_say_why(everything):
    artifact = everything
    assert artifact.manifest["formats"] == ["onnx", "safetensors", "torch"]
    assert list(artifact.certificate["formats"]) == ["onnx", "safetensors", "torch"]
    reason = "The package executorch is not installed."
    assert artifact.certificate["refused"] == {"executorch": reason}
    assert not (artifact.path / "model.pte").exists()
    assert "executorch" not in (artifact.path / "requirements.txt").read_text()
    assert f"executorch: {reason}" in artifact._repr_mimebundle_()["text/plain"]
    assert f"executorch: {reason}" in (artifact.path / "MODEL_CARD.md").read_text("utf-8")
    assert artifact.verify().golden == 20


def test_a_format_that_does_not_pass_is_left_out_with_all_its_files(subject, tmp_path):
    def write(subject, signature, folder):
        (folder / "model.bad").write_text("-")
        return ["model.bad"]

    probe = ["-c", "exit('no memory')"]
    bad = replace(formats.get("torch"), name="bad", write=write, probe=lambda *_: probe)
    staged = tmp_path / "a.lepton"
    staged.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(formats._records, "bad", bad)
        refused = {}
        chosen = [formats.get("onnx"), formats.get("bad")]
        writer._fill(subject, chosen, staged, refused)
    manifest = durable.read_json(staged / "manifest.json")
    assert manifest["formats"] == ["onnx"]
    assert refused == {"bad": "It does not run: no memory"}
    assert "model.onnx" in manifest["files"] and not (staged / "model.bad").exists()
    check_files(staged, manifest)


def poisoned(source, target, change):
    """A copy of an archive with its members changed."""
    with zipfile.ZipFile(source) as old:
        members = {info.filename: old.read(info) for info in old.infolist()}
    change(members)
    with zipfile.ZipFile(target, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)
    return target


def in_record(name, old, new):
    def change(members):
        text = members[f"model/{name}"].decode()
        assert old in text
        members[f"model/{name}"] = text.replace(old, new, 1).encode()

    return change


def member(name, data=b"x"):
    return lambda members: members.update({name: data})


WEIGHTS, GRAPH = "data/weights/model_weights_config.json", "models/model.json"
POISONS = {
    "a weight that is a pickle": in_record(WEIGHTS, '"use_pickle": false', '"use_pickle": true'),
    "a weight of elsewhere": in_record(WEIGHTS, '"weight_0"', '"../../models/model.json"'),
    "example inputs": member("model/data/sample_inputs/model.pt"),
    "an object of another class": member("model/data/constants/custom_obj_0"),
    "an opaque object": member("model/data/constants/opaque_obj_0"),
    "weights of the older kind": member("model/data/weights/model.pt"),
    "a compiled library": member("model/data/aotinductor/model/a.so"),
    "a second program": member("other/models/model.json", b"{}"),
    "a program of the older kind": member("version"),
    "a function below torch": in_record(
        GRAPH, "torch.ops.aten.permute.default", "torch.os.system"
    ),
    "a function of another spelling": in_record(
        GRAPH, "torch.ops.aten.permute.default", "torchy.hub.load"
    ),
    "an operator that opens files": in_record(
        GRAPH, "torch.ops.aten.permute.default", "torch.ops.aten.from_file.default"
    ),
    "an attribute of operators": in_record(
        GRAPH, "torch.ops.aten.permute.default", "_operator.attrgetter"
    ),
    "an extension": in_record(GRAPH, "torch.ops.aten.permute.default", "#other:call"),
    "a size that is code": in_record(
        GRAPH, "Symbol('s", "__import__('os').system('true') or Symbol('s"
    ),
    "guards that are code": in_record(GRAPH, '"guards_code": []', '"guards_code": ["f()"]'),
    "inputs of another class": in_record(GRAPH, "builtins.dict", "os.PathLike"),
    "no JSON": member("model/models/model.json", b"\x80\x04."),
}


@pytest.mark.parametrize("poison", POISONS)
def test_a_program_that_could_do_more_than_compute_is_refused_unopened(poison, artifact, tmp_path):
    source = artifact.path / "model.pt2"
    program.check_program(source)
    path = poisoned(source, tmp_path / "model.pt2", POISONS[poison])
    with pytest.raises(program.ProgramError, match=r"model\.pt2"):
        program.check_program(path)


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "model.pt2").write_bytes(b"\x80\x04\x95")
    with pytest.raises(program.ProgramError, match="cannot be read"):
        program.check_program(tmp_path / "model.pt2")
