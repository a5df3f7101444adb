# SPDX-License-Identifier: BSD-3-Clause
"""The whole way on a folder of small pictures: model, data, run, evaluation, prediction, artifact."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import lepton_lab as lab
from lepton_lab.errors import DataError, LeptonError, NotFoundError, SpecError


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.conftest import make_pictures

    return make_pictures(tmp_path_factory.mktemp("main") / "flowers", ("iris", "rose", "tulip"), 16)


@pytest.fixture(scope="module")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(tmp_path_factory.mktemp("kept") / "lepton-runs"))
        patch.setenv("LEPTON_DISPLAY", "silent")
        data = lab.ImageDataset.load_from_folder(str(pictures), batch_size=8, shuffle=True)
        model = lab.LeptonModel.load_pretrained("lepton_glyphs")
        run = model.train(data, epochs=4, optimizer="Adam", learning_rate=1e-2)
        yield run, model, data


def test_training_ends_well_and_learns(trained: Any) -> None:
    run, model, data = trained
    assert run.state == "done"
    assert model.evaluate(data)["accuracy"] > 0.8
    assert run.history["train/loss"][-1] < run.history["train/loss"][0]
    assert len(run.history["train/loss"]) == 4 * -(-len(data.train) // 8)
    assert len(run.history["val/accuracy"]) == 4


def test_the_best_weights_are_the_ones_kept(trained: Any) -> None:
    run, model, data = trained
    score = model.evaluate(data, split="val")["accuracy"]
    assert score == pytest.approx(max(run.history["val/accuracy"]))


def test_the_numbers_carry_intervals(trained: Any) -> None:
    _, model, data = trained
    found = model.evaluate(data)
    low, high = found.intervals["accuracy"]
    assert low <= found["accuracy"] <= high
    assert found.split == "test"


def test_a_model_says_that_val_chose_the_epoch(trained: Any) -> None:
    _, model, data = trained
    assert any("optimistic" in note for note in model.evaluate(data, split="val").notes)


def test_predictions_take_what_people_have(trained: Any, pictures: Path) -> None:
    _, model, _ = trained
    path = pictures / "rose" / "rose-03.png"
    picture = Image.open(path).convert("RGB")
    answers = [
        model.predict(str(path)),
        model.predict(path),
        model.predict(path.read_bytes()),
        model.predict(picture),
        model.predict(np.asarray(picture)),
        model.predict(lab.preprocess_image(path)),
        model.predict(torch.from_numpy(lab.preprocess_image(path, model=model).array)),
    ]
    assert {answer.label for answer in answers} == {"rose"}
    assert np.ptp([answer.probability for answer in answers]) < 1e-5
    assert len(model.predict(str(pictures / "iris"))) == 16
    assert len(model.predict(str(pictures / "*" / "*-00.png"))) == 3
    assert sum(p for _, p in answers[0].top(3)) == pytest.approx(1.0, abs=1e-5)


def test_a_tensor_of_another_shape_is_refused_with_the_shape_to_give(trained: Any) -> None:
    _, model, _ = trained
    with pytest.raises(LeptonError, match=r"\(N, 3, \d+, \d+\)"):
        model.predict(torch.zeros(1, 3, 17, 17))


def test_what_is_no_image_is_told(trained: Any, tmp_path: Path) -> None:
    _, model, _ = trained
    file = tmp_path / "page.jpg"
    file.write_text("<html></html>")
    with pytest.raises(DataError, match=r"page\.jpg"):
        model.predict(file)
    with pytest.raises(DataError, match="dict is no image"):
        model.predict({"a": 1})


def test_another_process_reads_the_run_and_gets_the_same_model(
    trained: Any, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, model, _ = trained
    monkeypatch.setenv("LEPTON_RUNS", str(run.path.parent))
    path = pictures / "tulip" / "tulip-05.png"
    code = (
        "import lepton_lab as lab\n"
        f"run = lab.run({run.name!r})\n"
        f"print(run.state, len(run.events), repr(run.predict({str(path)!r}).probability), run.evaluate()['accuracy'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    state, events, probability, accuracy = done.stdout.split()
    assert state == "done"
    assert int(events) == len(run.events)
    assert float(probability) == pytest.approx(model.predict(path).probability, abs=1e-6)
    assert float(accuracy) == model.evaluate()["accuracy"]


def test_the_run_list_shows_it(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _, _ = trained
    monkeypatch.setenv("LEPTON_RUNS", str(run.path.parent))
    found = lab.runs()
    assert found.names == [run.name]
    assert found.rows()[0]["metric"] == max(run.history["val/accuracy"])
    assert run.name in found.table().text()
    assert list(found.to_pandas()["state"]) == ["done"]


def test_the_artifact_agrees_and_verifies_without_torch(
    trained: Any, pictures: Path, tmp_path: Path
) -> None:
    _, model, _ = trained
    artifact = model.export("onnx", to=tmp_path / "flowers.lepton")
    path = pictures / "iris" / "iris-02.png"
    assert artifact.predict(path).probability == pytest.approx(
        model.predict(path).probability, abs=1e-4
    )
    assert artifact.verify()
    assert artifact.certificate["formats"]["onnx"]["agreement"] == 1.0


def test_an_artifact_with_weights_is_a_model_again(
    trained: Any, pictures: Path, tmp_path: Path
) -> None:
    _, model, _ = trained
    model.export("safetensors", to=tmp_path / "weights.lepton")
    again = lab.load_model(tmp_path / "weights.lepton")
    path = pictures / "iris" / "iris-02.png"
    wanted = model.predict(path).probabilities
    assert again.predict(path).probabilities == pytest.approx(wanted, abs=1e-6)
    assert again.classes == model.classes and again.name == "weights"


def test_an_untrained_model_is_exported_and_says_so(tmp_path: Path) -> None:
    artifact = lab.load_model("lepton_glyphs", weights="none").export(
        "onnx", to=tmp_path / "glyphs.lepton"
    )
    assert "untrained" in (artifact.path / "MODEL_CARD.md").read_text()
    assert artifact.manifest["trained"] is False


def test_a_pretrained_model_is_exported_with_its_own_classes(tmp_path: Path) -> None:
    model = lab.load_model("lepton_glyphs")
    artifact = model.export("onnx", to=tmp_path / "glyphs.lepton")
    assert tuple(artifact.labels) == model.classes


def test_training_twice_goes_on_from_the_trained_weights(pictures: Path) -> None:
    data = lab.data(pictures)
    model = lab.load_model("lepton_glyphs")
    first = model.train(data, epochs=1)
    second = model.train(data, epochs=1, learning_rate=1e-6, warmup=0.0)
    assert second.record["parent"]["run"] == first.name
    assert second.history["train/loss"][0] < first.history["train/loss"][0]


def test_calling_train_like_pytorch_says_what_to_do() -> None:
    model = lab.load_model("lepton_glyphs")
    with pytest.raises(LeptonError, match=r"model\.module\.train"):
        model.train(True)
    with pytest.raises(LeptonError, match="needs a data set"):
        model.train()


def test_wrong_options_are_all_told_before_anything_is_trained(
    pictures: Path, own_runs: Path
) -> None:
    with pytest.raises(SpecError) as caught:
        lab.train("lepton_glyphs", lab.data(pictures), epochs=0, learning_rate="fast", epoch=3)
    assert len(caught.value.problems) == 3
    assert not own_runs.exists()


def test_labels_that_do_not_match_are_told_with_names(trained: Any) -> None:
    _, model, _ = trained
    with pytest.raises(LeptonError, match="does not know 0, 1, 2"):
        model.evaluate(lab.data("digits"))


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(NotFoundError) as caught:
        lab.load_model("resnet5")
    assert "resnet50" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


def test_ctrl_c_finishes_the_step_saves_and_returns_the_run(pictures: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, threading, time, lepton_lab as lab\n"
        f"data = lab.data({str(pictures)!r})\n"
        "model = lab.load_model('lepton_glyphs')\n"
        "model.module\n"
        "def press():\n"
        "    while not any(e.kind == 'evaluated' for r in lab.runs() for e in r.events): time.sleep(0.05)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=press, daemon=True).start()\n"
        "run = model.train(data, epochs=500)\n"
        "print(run.state, run.events[-1].state, sum(e.kind == 'saved' for e in run.events) > 0, model.predict(data.test).labels[:1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.stdout.startswith("stopped stopped True ["), done.stderr


def test_background_training_returns_at_once_and_later_verbs_wait(pictures: Path) -> None:
    model = lab.load_model("lepton_glyphs")
    run = model.train(lab.data(pictures), epochs=2, background=True)
    assert run.state in ("starting", "running")
    assert model.evaluate()["accuracy"] >= 0.0
    assert run.state == "done"


def test_a_run_that_fails_tells_why_and_keeps_its_journal(pictures: Path) -> None:
    data = lab.data(pictures)
    model = lab.load_model("lepton_glyphs")
    model.train(data, epochs=1)
    model.module.conv1.weight.data[0] = float("nan")
    with pytest.raises(LeptonError, match="not finite"):
        model.train(data, epochs=3, name="bad")
    run = lab.run("bad")
    assert run.state == "failed"
    assert "not finite" in run.events[-1].message


@pytest.mark.parametrize(
    "options",
    [
        {"freeze": "backbone"},
        {"schedule": "onecycle", "ema": 0.9},
        {"mixup": 0.2, "cutmix": 0.2, "label_smoothing": 0.0},
        {"accumulate": 2, "optimizer": "lamb"},
        {"patience": 1, "epochs": 3},
        {"learning_rate": "find"},
        {"workers": 2},
        {"precision": "bf16", "channels_last": False},
    ],
)
def test_each_option_trains(pictures: Path, options: dict[str, Any]) -> None:
    run = lab.train(
        "lepton_glyphs", lab.data(pictures), **{"epochs": 1, "batch_size": 16, **options}
    )
    assert run.state == "done"
    assert all(np.isfinite(run.history["train/loss"]))
