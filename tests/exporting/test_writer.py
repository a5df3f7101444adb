# SPDX-License-Identifier: BSD-3-Clause
"""An export is written whole or not at all, and never touches the live model."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lepton_lab.errors import LeptonError, NotFoundError, ParityError, StorageError
from lepton_lab.exporting import export, load_artifact


def test_an_unknown_format_is_answered_with_the_nearest_and_with_all(subject, tmp_path):
    with pytest.raises(NotFoundError, match="Did you mean onnx"):
        export(subject, "onxx", tmp_path / "a.lepton")
    with pytest.raises(NotFoundError, match="onnx, safetensors"):
        export(subject, "coreml", tmp_path / "a.lepton")
    assert list(tmp_path.iterdir()) == []


def test_the_live_module_is_left_as_it_was(tmp_path):
    import torch

    from lepton_lab.catalog import build
    from lepton_lab.exporting import Subject
    from lepton_lab.spec import ModelSpec

    built = build(ModelSpec(name="lepton_glyphs"), classes=("a", "b"))
    module = built.module.train().double()
    module.layer1.eval()
    module.conv1.weight.requires_grad_(False)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    modes = [part.training for part in module.modules()]
    grads = [p.requires_grad for p in module.parameters()]
    random = torch.random.get_rng_state()

    subject = Subject(built, "image-classification", "half-way", trained=False)
    artifact = export(subject, "onnx", f"{tmp_path}/")

    assert artifact.path == tmp_path / "half-way.lepton"
    assert [part.training for part in module.modules()] == modes
    assert [p.requires_grad for p in module.parameters()] == grads
    assert all(p.dtype == torch.float64 for p in module.parameters())
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)
    check_untrained(artifact)


def check_untrained(artifact):
    """Without samples and training, card and certificate claim nothing."""
    assert artifact.manifest["trained"] is False
    assert artifact.certificate["samples"]["real"] == 0
    assert artifact.certificate["metric"] is None
    assert "untrained" in artifact._repr_mimebundle_()["text/plain"]
    card = (artifact.path / "MODEL_CARD.md").read_text("utf-8")
    assert "**untrained**" in card and "generated samples" in card and "accuracy" not in card
    assert artifact.verify().golden == 20


def test_a_refused_export_leaves_nothing_and_an_earlier_artifact_whole(subject, copied):
    rule = subject.built.preprocessing
    wrong = {**rule, "resize": {**rule["resize"], "interpolation": "bilinear"}}
    mistaken = replace(subject, built=replace(subject.built, preprocessing=wrong))
    before = copied.manifest
    for target in (copied.path, copied.path.parent / "new.lepton"):
        with pytest.raises(ParityError, match="nothing was written"):
            export(mistaken, "safetensors", target)
    assert [p.name for p in copied.path.parent.iterdir()] == ["pets.lepton"]
    assert load_artifact(copied.path).manifest == before
    assert copied.verify().golden == 20


def test_an_earlier_artifact_is_replaced_and_nothing_else_ever_is(subject, copied, tmp_path):
    again = export(replace(subject, name="second"), "safetensors", copied.path)
    assert again.manifest["name"] == "second"
    assert not (again.path / "model.onnx").exists()
    photos = tmp_path / "photos.lepton"
    photos.mkdir()
    (photos / "cat.jpg").write_bytes(b"mine")
    with pytest.raises(LeptonError, match="was left alone"):
        export(subject, "safetensors", photos)
    assert (photos / "cat.jpg").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["model.onnx", "pets.zip"])
def test_a_name_for_a_single_file_is_answered_with_a_right_one(name, subject, tmp_path):
    with pytest.raises(LeptonError, match=r"ends in \.lepton"):
        export(subject, "onnx", tmp_path / name)


def test_names_become_safe_file_names(subject, tmp_path, monkeypatch):
    from lepton_lab.exporting.writer import _target

    monkeypatch.chdir(tmp_path)
    assert _target(replace(subject, name="../my <pets>/é"), None) == Path("my-pets.lepton")
    assert _target(replace(subject, name="///"), None) == Path("model.lepton")
    assert _target(subject, "out/") == Path("out/pets.lepton")
    assert _target(subject, tmp_path) == tmp_path / "pets.lepton"
    assert _target(subject, "flowers") == Path("flowers.lepton")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.name == "nt" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_earlier_artifact_whole(subject, original, small_disk):
    import shutil

    path = small_disk / "pets.lepton"
    shutil.copytree(original.path, path)
    (small_disk / "other").write_bytes(bytes(1000))
    with pytest.raises(StorageError, match="disk is full"):
        export(subject, "safetensors", path)
    assert sorted(p.name for p in small_disk.iterdir()) == ["other", "pets.lepton"]
    assert load_artifact(path).verify().golden == 20


def test_a_full_temporary_folder_is_told_as_such(subject, small_disk, tmp_path, monkeypatch):
    import tempfile

    (small_disk / "other").write_bytes(bytes(6_000_000))
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    with pytest.raises(StorageError, match="disk is full"):
        export(subject, "safetensors", tmp_path / "pets.lepton")
    assert not (tmp_path / "pets.lepton").exists()
    assert [p.name for p in small_disk.iterdir()] == ["other"]


KILLED = """
    import sys
    from lepton_lab.catalog import build
    from lepton_lab.exporting import Subject, export
    from lepton_lab.spec import ModelSpec

    built = build(ModelSpec(name="lepton_glyphs"), classes=("a", "b"))
    export(Subject(built, "image-classification", "killed"), "safetensors", sys.argv[1])
"""


def test_a_kill_in_the_middle_leaves_the_earlier_artifact_whole(copied, tmp_path):
    workplace = tmp_path / "temporary"
    workplace.mkdir()
    home = str(Path(__file__).parents[2])
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(copied.path)],
        env={**os.environ, "TMPDIR": str(workplace), "PYTHONPATH": home},
    )
    deadline = time.monotonic() + 120
    while not list(workplace.glob("lepton-export-*/*/manifest.json")):
        assert child.poll() is None and time.monotonic() < deadline, "the export never began"
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pets.lepton", "temporary"]
    assert copied.verify().golden == 20


@pytest.mark.shared
@pytest.mark.slow
def test_real_pictures_and_real_weights_pass(shared_data, tmp_path):
    from lepton_lab.catalog import build
    from lepton_lab.exporting import Subject
    from lepton_lab.spec import ModelSpec

    built = build(ModelSpec(name=str(shared_data / "model-mobilenetv2_100")))
    pictures = sorted((shared_data / "clothing10" / "val").glob("*/*.jpg"))[::31]
    samples = [(path.name, path.read_bytes(), -1) for path in pictures]
    subject = Subject(built, "image-classification", "mobilenet", samples=samples)
    artifact = export(subject, "onnx", tmp_path / "real.lepton")
    found = artifact.certificate
    assert found["samples"]["real"] == len(pictures) > 3
    assert found["formats"]["onnx"]["agreement"] == 1.0
    assert found["formats"]["onnx"]["largest_difference"]["logits"] < found["tolerance"]["logits"]
