# SPDX-License-Identifier: BSD-3-Clause
"""Audio classification as a task, and the whole way through: trained, killed, resumed, evaluated, exported, proven."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec, TrainSpec
from lepton_lab.tasks import tasks
from lepton_lab.tasks.audio_classification import AudioClassification
from tests.catalog.tiny_sounds import wav2vec2
from tests.runtime.sounds import tone, wav

CPU = torch.device("cpu")
CLASSES = ("high", "low", "mid")
RECIPE: dict[str, Any] = {
    "epochs": 2, "batch_size": 8, "learning_rate": 5e-3, "augment": "strong", "checkpoint_every": 1,
    "device": "cpu", "workers": 0, "mixup": 0.2,
}  # fmt: skip


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones in three registers, of unequal length and rate, with noise."""
    root = tmp_path_factory.mktemp("data") / "tones"
    random = np.random.default_rng(0)
    for name, hertz in {"low": 250, "mid": 700, "high": 1800}.items():
        (root / name).mkdir(parents=True)
        for i in range(14):
            rate = (8000, 16000)[i % 7 == 0]
            samples = tone(
                hertz * random.uniform(0.9, 1.1),
                rate,
                random.uniform(0.15, 0.4),
                random.uniform(0.1, 0.6),
            )
            noise = random.normal(0, 0.01, len(samples)).astype(np.float32)
            (root / name / f"{i:02d}.wav").write_bytes(wav(samples + noise, rate))
    (root / "low" / "long.wav").write_bytes(wav(tone(250, 8000, 3.0)))
    return root


@pytest.fixture(scope="module")
def data(clips: Path) -> Any:
    return lab.data(str(clips))


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wav2vec2(tmp_path_factory.mktemp("models") / "tiny-waves", mask=True)


@pytest.fixture(scope="module")
def built(waves: Path, data: Any) -> Any:
    return tasks.get("audio-classification").build(ModelSpec(str(waves)), data, 0)


def task(built: Any, **options: Any) -> AudioClassification:
    return tasks.get("audio-classification").create(built, TrainSpec(**options), False)  # type: ignore[return-value]


def test_the_window_holds_most_clips_and_the_rest_is_counted(built: Any, data: Any) -> None:
    lengths = [data.checks[sample.id].facts.seconds for sample in data.train]
    seconds = built.preprocessing["samples"] / built.preprocessing["rate"]
    assert np.mean([length <= seconds for length in lengths]) >= 0.95
    assert seconds <= 0.5
    cut = sum(length > seconds for length in lengths)
    assert f"of {len(lengths)} training clips" in built.notes[-1]
    assert ("none is cut" in built.notes[-1]) == (cut == 0)


def test_a_network_of_timm_hears_at_the_rate_of_the_data(data: Any) -> None:
    seen = tasks.get("audio-classification").build(
        ModelSpec("test_resnet.r160_in1k", weights="none"), data, 0
    )
    assert seen.preprocessing["rate"] == 8000
    one = task(seen)
    values = np.concatenate(
        [
            one.evaluation_item(data.train, i).row["spectrogram"].ravel()
            for i in range(len(data.train))
        ]
    )
    assert abs(values.mean()) < 0.1
    assert 0.8 < values.std() < 1.2
    assert seen.config["sound"] == seen.preprocessing


def test_cutting_a_batch_changes_nothing(built: Any, data: Any) -> None:
    one = task(built, mixup=0.4, class_weights="balanced", focal=1.0)
    batch = one.mix(one.collate([one.training_item(data.train, i) for i in range(8)]), 3)
    module = built.module.eval()
    with torch.no_grad():
        whole = one.loss(module, batch, CPU)
        parts = [one.loss(module, batch.cut(i, i + 4), CPU) for i in (0, 4)]
    torch.testing.assert_close(sum(parts) / 2, whole)


def test_mixing_is_decided_by_its_seed(built: Any, data: Any) -> None:
    one = task(built, mixup=0.4)
    batch = one.collate([one.evaluation_item(data.train, i) for i in range(6)])
    mixed, again, other = (one.mix(batch, seed) for seed in (1, 1, 2))
    assert torch.equal(mixed.inputs["input_values"], again.inputs["input_values"])
    assert not torch.equal(mixed.inputs["input_values"], other.inputs["input_values"])
    assert (mixed.inputs["attention_mask"] >= batch.inputs["attention_mask"]).all()
    assert task(built).mix(batch, 1) is batch


def test_an_answer_does_not_depend_on_its_neighbours(built: Any, data: Any) -> None:
    one, module = task(built), built.module.eval()
    items = [one.evaluation_item(data.train, i) for i in range(5)]
    with torch.no_grad():
        together = one.outputs(module, one.collate(items), CPU)
        alone = np.concatenate([one.outputs(module, one.collate([item]), CPU) for item in items])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-6)
    scores = one.score(together, np.array([item.label for item in items]))
    assert next(iter(scores)) == "accuracy"
    assert one.describe(together, data.train, 0)["expected"] in CLASSES


@pytest.fixture(scope="module")
def trained(data: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    before = os.environ.get("LEPTON_RUNS")
    os.environ["LEPTON_RUNS"] = str(tmp_path_factory.mktemp("kept") / "lepton-runs")
    try:
        options = {**RECIPE, "epochs": 4, "checkpoint_every": 0, "mixup": 0.0, "augment": "light"}
        return lab.load_model("lepton_glyphs").train(data, **options).model
    finally:
        os.environ.pop("LEPTON_RUNS") if before is None else os.environ.update(LEPTON_RUNS=before)


def test_a_small_network_learns_tones(trained: Any, data: Any, clips: Path) -> None:
    assert trained.task == "audio-classification"
    assert trained.classes == CLASSES
    report = trained.evaluate(data)
    assert report["accuracy"] > 0.8
    assert trained.predict((tone(1800, 44100, 0.3), 44100)).label == "high"
    several = trained.predict(clips / "low")
    assert len(several) == 15
    shown = several._repr_mimebundle_()["text/html"]
    assert shown.count("<svg") == 15
    assert "<script" not in shown


@pytest.mark.slow
def test_the_safetensors_folder_is_proven_too(trained: Any, data: Any, tmp_path: Path) -> None:
    artifact = trained.export("safetensors", to=str(tmp_path / "tones.lepton"), data=data)
    assert (artifact.path / "sound.json").is_file()
    assert artifact.certificate["formats"]["safetensors"]["agreement"] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pictures", "waves"])
def test_the_artifact_is_proven_and_answers_without_torch(
    kind: str, trained: Any, waves: Path, data: Any, clips: Path, tmp_path: Path
) -> None:
    model = trained
    if kind == "waves":
        model = lab.load_model(str(waves))
        model.train(data, **{**RECIPE, "epochs": 1})
    artifact = model.export("onnx", to=str(tmp_path / "tones.lepton"), data=data)
    assert artifact.verify().golden >= 8
    manifest = json.loads((artifact.path / "manifest.json").read_text())
    assert manifest["task"] == "audio-classification"
    assert (manifest["input"]["kind"], manifest["output"]["kind"]) == ("sound", "classes")
    broken = tmp_path / "nan.wav"
    broken.write_bytes(wav(np.full(100, np.nan), form="f32"))
    sources = [str(clips / "low" / "01.wav"), str(clips / "high" / "00.wav")]
    code = (
        "import sys, json\nsys.path.insert(0, '.')\n"
        "from lepton_runtime.predictor import Predictor\n"
        "from lepton_runtime.errors import InputError\n"
        f"predictor = Predictor('.')\nanswers = predictor.predict({sources})\n"
        "assert not {'torch', 'transformers', 'scipy', 'lepton_lab'} & set(sys.modules)\n"
        f"for bad in ({str(broken)!r}, b'', b'text'):\n"
        "    try:\n        predictor.predict([bad])\n        raise SystemExit('answered')\n"
        "    except InputError:\n        pass\n"
        "print(json.dumps([answer.to_json() for answer in answers]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=artifact.path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for found, ours in zip(json.loads(done.stdout), model.predict(sources), strict=True):
        assert found["top"][0][0] == ours.label
        assert found["top"][0][1] == pytest.approx(ours.probability, abs=1e-4)


def test_models_that_cannot_hear_are_refused_in_three_lines(data: Any, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    for spec, given in ((ModelSpec(str(tmp_path)), data), (ModelSpec("lepton_glyphs"), None)):
        with pytest.raises(LeptonError) as caught:
            tasks.get("audio-classification").build(spec, given, 0)
        assert len(str(caught.value).split("\n")) <= 3
