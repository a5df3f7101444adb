# SPDX-License-Identifier: BSD-3-Clause
"""An artifact answers as the model does, anywhere, and says which file was changed."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lepton_lab.errors import DataError, NotFoundError, StorageError
from lepton_lab.exporting import Artifact, load_artifact
from lepton_lab.runtime.decode import decode_image

NO_FRAMEWORKS = """
import runpy, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "timm", "transformers", "lepton_lab", "torchvision"):
            raise ImportError(name + " must not be imported")
sys.meta_path.insert(0, Refuse())
sys.path.insert(0, ".")
sys.argv[1:1] = []
runpy.run_module("lepton_runtime", run_name="__main__", alter_sys=True)
"""


def run_inside(folder, *arguments):
    """The artifact's own command line, where no framework and no Lepton Lab can be imported."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-B", "-c", NO_FRAMEWORKS, *map(str, arguments)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def live_probabilities(subject, data):
    from lepton_lab.exporting.signatures import signatures
    from lepton_lab.runtime.inputs import preparer

    signature = signatures.get(subject.task)
    compute = signature.compute(subject.module(), subject.built.preprocessing)
    ready = preparer(subject.built.preprocessing)
    return compute(ready.collate([ready.prepare(data)]))["probabilities"][0]


def test_it_says_what_it_is(original, subject):
    assert original.labels == subject.built.classes
    assert original.manifest["input"]["graph"]["shape"] == ["batch", 48, 48, 3]
    assert original.manifest["output"]["probabilities"]["shape"] == ["batch", 3]
    assert original.manifest["provenance"]["run"] == "pets-3"
    assert original.manifest["provenance"]["metrics"]["loss"] == "nan"
    assert original.manifest["licence"] == "bsd-3-clause"
    assert {"torch", "timm", "onnxruntime", "python"} <= set(original.manifest["versions"])
    on_disk = sum(p.stat().st_size for p in original.path.rglob("*") if p.is_file())
    assert original.size == on_disk - (original.path / "manifest.json").stat().st_size


def test_it_is_a_folder_of_plain_files(original):
    names = {p.relative_to(original.path).as_posix() for p in original.path.iterdir()}
    assert names == {
        "MODEL_CARD.md", "certificate.json", "config.json", "golden", "lepton_runtime",
        "manifest.json", "model.onnx", "model.safetensors", "requirements.txt",
        "Dockerfile", "SERVE.md", "client.py", "compose.yaml", "kubernetes.yaml", "requirements-serve.txt", "serve.py",
    }  # fmt: skip
    assert len(list((original.path / "golden").iterdir())) == 12 + 8 + 1


def test_the_runtime_in_it_is_this_packages_own_word_for_word(original):
    import lepton_lab.runtime

    def sources(folder):
        return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.suffix == ".py"}

    copied = original.path / "lepton_runtime"
    assert sources(copied) == sources(Path(lepton_lab.runtime.__file__).parent)
    assert not [p for p in copied.rglob("*") if p.is_file() and p.suffix != ".py"]


def test_it_holds_no_path_of_the_machine_that_made_it(original):
    homes = {str(Path(__file__).parents[2]), str(Path.home()), str(original.path.parent)} - {"/"}
    for path in original.path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [home for home in homes if home.encode() in data], path.name


def test_it_answers_as_the_live_model_for_every_kind_of_input(original, subject, tmp_path):
    data = subject.samples[4][1]
    path = tmp_path / "a cat.jpg"
    path.write_bytes(data)
    wanted = live_probabilities(subject, data)
    picture = Image.open(io.BytesIO(data))
    for source in (path, str(path), data, picture, decode_image(data)):
        answer = original.predict(source)
        np.testing.assert_allclose(answer.probabilities, wanted, rtol=0, atol=1e-5)
    assert answer.label == subject.built.classes[int(wanted.argmax())]
    assert answer.probability == pytest.approx(float(wanted.max()), abs=1e-5)


def test_a_list_gives_a_list_in_its_order(original, subject):
    data = [sample[1] for sample in subject.samples[:5]]
    answers = original.predict(data, top=2)
    assert len(answers) == 5
    for answer, item in zip(answers, data, strict=True):
        np.testing.assert_allclose(
            answer.probabilities, live_probabilities(subject, item), atol=1e-5
        )
    assert str(answers[0]).count(",") == 1
    assert len(answers[0].top(3)) == 3


def test_an_input_that_is_no_image_is_named(original, tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"<html>not found</html>")
    with pytest.raises(DataError, match=r"x\.jpg cannot be used\.\nthis is HTML"):
        original.predict([tmp_path / "x.jpg"])
    with pytest.raises(DataError, match="no such file"):
        original.predict(tmp_path / "missing.jpg")


def test_verify_replays_the_golden_samples(original):
    found = original.verify()
    assert found.files == len(original.manifest["files"])
    assert found.golden == 20 and found.largest_difference < 0.01
    assert found.largest_difference < 1e-5
    assert "unchanged" in found._repr_mimebundle_()["text/plain"]


def test_the_artifact_runs_where_there_is_no_framework(original, subject, tmp_path):
    (tmp_path / "cat.jpg").write_bytes(subject.samples[0][1])
    done = run_inside(original.path, "--json", "predict", tmp_path / "cat.jpg", "--top", "1")
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)["predictions"]
    wanted = live_probabilities(subject, subject.samples[0][1])
    assert answer["top"][0][0] == subject.built.classes[int(wanted.argmax())]
    done = run_inside(original.path, "verify")
    assert done.returncode == 0, done.stderr
    assert "20 golden samples: largest difference of an answer" in done.stdout


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


DAMAGE = {
    "a flipped bit in the model": ("model.onnx", flip),
    "a flipped bit in a golden sample": ("golden/000.jpg", flip),
    "a changed runtime": ("lepton_runtime/image.py", flip),
    "a missing file": ("certificate.json", Path.unlink),
    "a file cut short": ("model.safetensors", lambda p: p.write_bytes(p.read_bytes()[:-1])),
    "an added file": ("golden/extra.jpg", lambda p: p.write_bytes(b"x")),
    "a link": ("golden/link.jpg", lambda p: p.symlink_to("/etc/hostname")),
    "a linked folder": ("more", lambda p: p.symlink_to("/etc")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_verify_names_the_file_that_was_changed(damage, copied):
    name, change = DAMAGE[damage]
    change(copied.path / name)
    with pytest.raises(StorageError) as caught:
        copied.verify()
    assert name in str(caught.value)


def test_predict_does_not_use_a_changed_model(copied, subject):
    flip(copied.path / "model.onnx")
    with pytest.raises(StorageError, match=r"model\.onnx: was changed"):
        copied.predict(subject.samples[0][1])


def test_verify_runs_no_code_of_the_artifact(copied, tmp_path):
    from lepton_lab.exporting.bundle import seal

    witness = tmp_path / "ran"
    (copied.path / "lepton_runtime" / "__init__.py").write_text(f"open({str(witness)!r}, 'w')\n")
    (copied.path / "json.py").write_text(f"open({str(witness)!r}, 'w')\n")
    seal(copied.path)
    Artifact(copied.path).verify()
    assert not witness.exists()


def test_golden_answers_that_differ_are_named(copied):
    from lepton_lab import durable
    from lepton_lab.exporting.bundle import seal

    expected = durable.read_json(copied.path / "golden/expected.json")
    expected["samples"][3]["probabilities"].reverse()
    durable.write_json(copied.path / "golden/expected.json", expected)
    seal(copied.path)
    with pytest.raises(StorageError, match=r"golden/003\.jpg: the answer is"):
        copied.verify()


def test_running_inside_the_folder_leaves_it_valid(copied, subject):
    (copied.path.parent / "cat.jpg").write_bytes(subject.samples[0][1])
    command = [sys.executable, "-m", "lepton_runtime", "predict", "../cat.jpg"]
    usual = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, cwd=copied.path, env=usual, check=True, capture_output=True)
    assert (copied.path / "lepton_runtime" / "__pycache__").is_dir()
    assert copied.verify().golden == 20


def test_a_zip_holds_the_whole_artifact_and_is_the_same_each_time(original, tmp_path):
    first, second = original.zip(tmp_path / "a.zip"), original.zip(tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()
    loaded = load_artifact(first)
    assert loaded.manifest == original.manifest
    assert loaded.verify().golden == 20


def test_a_download_is_a_link_where_the_notebook_can_reach_it(original, tmp_path, monkeypatch):
    made = original.download(tmp_path / "a <b> & c.zip")
    assert load_artifact(made.path).labels == original.labels
    assert made.link == "" and "<a" not in made._repr_mimebundle_()["text/html"]
    monkeypatch.chdir(tmp_path)
    shown = made._repr_mimebundle_()
    assert 'href="a%20%3Cb%3E%20%26%20c.zip" download' in shown["text/html"]
    assert "<b>" not in shown["text/html"]
    assert str(made.path) in shown["text/plain"]


def test_a_missing_artifact_is_told_with_its_neighbours(copied):
    with pytest.raises(NotFoundError, match=r"Did you mean pets\.lepton"):
        load_artifact(copied.path.parent / "pet.lepton")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format_version": 1}', "[" * 100_000])
def test_a_damaged_manifest_is_one_clear_error(text, copied):
    (copied.path / "manifest.json").write_text(text)
    with pytest.raises(StorageError, match=r"manifest\.json"):
        load_artifact(copied.path)


def test_a_newer_format_says_so(copied):
    manifest = {**copied.manifest, "format_version": 2}
    (copied.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StorageError, match="format version 2"):
        load_artifact(copied.path)


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hostname", "golden/../../x", "a\\b"])
def test_a_manifest_that_points_outside_is_refused(name, copied):
    copied.manifest["files"][name] = {"size": 1, "sha256": "0"}
    (copied.path / "manifest.json").write_text(json.dumps(copied.manifest))
    with pytest.raises(StorageError, match="leaves the artifact"):
        load_artifact(copied.path).verify()


def test_weights_without_a_graph_say_how_to_load_them(copied, subject):
    from lepton_lab.exporting.bundle import seal

    (copied.path / "model.onnx").unlink()
    seal(copied.path)
    weights_only = load_artifact(copied.path)
    with pytest.raises(StorageError, match=r"no model\.onnx"):
        weights_only.predict(subject.samples[0][1])
    assert weights_only.verify().golden == 0
    assert "lab.load_model" in weights_only._repr_mimebundle_()["text/plain"]


def test_the_card_shows_files_sizes_and_parity_and_escapes_names(original):
    from lepton_lab.rendering import size

    shown = original._repr_mimebundle_()
    assert shown["text/plain"].count("\n") < 12
    for text in (
        "model.onnx",
        size(original.size),
        "golden/",
        "agreement",
        "1.000",
        "n = 12",
    ):
        assert text in shown["text/html"], text
    assert "<script" not in shown["text/html"]


def test_the_model_card_states_facts_and_escapes_names(original):
    card = (original.path / "MODEL_CARD.md").read_text("utf-8")
    assert r"\<b\>owl\</b\>" in card and "<b>" not in card
    for text in ("12 held-out samples and 12 awkward ones", "pets-3", "bsd-3-clause", "0123abcd"):
        assert text in card
    assert "untrained" not in card
    model = original.manifest["files"]["model.onnx"]["sha256"]
    assert f"| model.onnx | {original.manifest['files']['model.onnx']['size']} | {model} |" in card


def test_the_model_card_has_every_class_the_audit_and_what_they_do_not_allow_to_say(original):
    from lepton_lab.exporting.card import model_card

    manifest = json.loads((original.path / "manifest.json").read_text("utf-8"))
    manifest["provenance"] |= {
        "data": {"name": "pets", "classes": ["a"], "audit": ["near-duplicates (2): <b>two</b> pairs"]},
        "metrics": {
            "split": "val", "n": 30, "values": {"accuracy": 0.9}, "intervals": {"accuracy": [0.8, 0.95]},
            "per_class": {"class": ["a|b", "c"], "n": [5, 25], "recall": [None, 0.5]},
        },
    }  # fmt: skip
    card = model_card(manifest, original.certificate)
    for line in (
        "| accuracy | 0.900 | 0.800 to 0.950 |",
        r"| a\|b | 5 | – |",
        r"  - near-duplicates (2): \<b\>two\</b\> pairs",
        r"- Fewer than 20 samples were there to judge: a\|b.",
        "- The same split chose the best epoch, so these results are somewhat too good.",
        "- The licence of the data is not stated.",
    ):
        assert line in card.splitlines(), line


def test_a_benchmark_times_every_batch_size_from_bytes_to_answers(original):
    found = original.benchmark((1, 3), seconds=0.1)
    assert list(found) == [1, 3]
    for timing in found.timings:
        assert len(timing.answer) >= 5
        assert 0 < timing.p(50) <= timing.p(95)
        assert timing.rate == pytest.approx(timing.batch * 1000 / timing.p(50))
    assert "inputs per second" in found._repr_mimebundle_()["text/plain"]
    with pytest.raises(DataError, match="cannot be measured"):
        original.benchmark((0,))


def test_the_weights_load_in_timm_itself(original, subject):
    import timm
    import torch

    module = timm.create_model(f"local-dir:{original.path}", pretrained=True).eval()
    images = torch.zeros(2, 3, 48, 48)
    with torch.no_grad():
        torch.testing.assert_close(module(images), subject.module()(images))


def test_the_folder_can_be_moved(copied, tmp_path):
    moved = shutil.move(copied.path, tmp_path / "another name")
    assert load_artifact(moved).verify().golden == 20
