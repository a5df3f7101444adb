# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers of sounds compute what transformers computes, with any number of classes, and nothing unsafe is read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

from lepton_lab.catalog import audio_models, from_config, save_pretrained
from lepton_lab.catalog.folder import read_folder
from lepton_lab.errors import LeptonError
from lepton_lab.runtime.inputs import preparer
from lepton_lab.spec import ModelSpec

from .tiny_sounds import spectrogram_transformer, wav2vec2


@pytest.mark.parametrize("kind", ["wav2vec2", "masked wav2vec2", "ast"])
def test_the_logits_are_those_of_transformers_own_pipeline(kind: str, tmp_path: Path) -> None:
    folder = (
        spectrogram_transformer(tmp_path) if kind == "ast" else wav2vec2(tmp_path, "masked" in kind)
    )
    built = audio_models.build(read_folder(folder), ModelSpec(str(folder)), None, 0)
    assert built.classes == ("no", "yes")
    samples = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    ready = preparer(built.preprocessing | ({} if kind == "ast" else {"samples": 9000}))
    batch = ready.collate([ready.prepare((samples, 16000))])
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    padded = {} if kind == "ast" else {"padding": "max_length", "max_length": 9000}
    theirs = extractor(samples, sampling_rate=16000, return_tensors="pt", **padded)
    model = AutoModelForAudioClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        wanted = model(**theirs).logits
        found = built.module(*(torch.from_numpy(values) for values in batch.values()))
    if kind == "wav2vec2":
        assert "attention_mask" not in batch
    if kind == "masked wav2vec2":
        assert batch["attention_mask"].sum() == 8000
    if kind != "wav2vec2":
        assert torch.allclose(found, wanted, atol=1e-5)
        return
    # Without a mask transformers normalizes the silence behind a clip along with it only where it made a mask.
    alone = extractor(samples, sampling_rate=16000, return_tensors="pt")["input_values"]
    with torch.no_grad():
        wanted = model(torch.nn.functional.pad(alone, (0, 1000))).logits
    assert torch.allclose(found, wanted, atol=1e-5)


def test_a_new_head_comes_with_its_names_and_leaves_the_backbone(tmp_path: Path) -> None:
    folder = wav2vec2(tmp_path)
    old = audio_models.build(read_folder(folder), ModelSpec(str(folder)), None, 0)
    new = audio_models.build(read_folder(folder), ModelSpec(str(folder)), ("a", "b", "c"), 1)
    assert new.module.model.config.id2label == {0: "a", 1: "b", 2: "c"}
    assert new.groups[-1] == new.head
    before, after = old.module.state_dict(), new.module.state_dict()
    changed = {
        name
        for name in after
        if before[name].shape != after[name].shape or not torch.equal(before[name], after[name])
    }
    assert changed == {"model.classifier.weight", "model.classifier.bias"}


@pytest.mark.parametrize("kind", ["wav2vec2", "ast"])
def test_groups_begin_with_all_that_comes_before_the_layers(kind: str, tmp_path: Path) -> None:
    folder = wav2vec2(tmp_path) if kind == "wav2vec2" else spectrogram_transformer(tmp_path)
    built = audio_models.build(read_folder(folder), ModelSpec(str(folder)), ("a", "b"), 0)
    assert len(built.groups) == 4
    assert sorted(name for group in built.groups for name in group) == sorted(
        name for name, _ in built.module.named_parameters()
    )
    first = " ".join(built.groups[0])
    assert ("feature_extractor.conv_layers.2" if kind == "wav2vec2" else "embeddings") in first
    for depth, group in enumerate(built.groups[1:3]):
        assert any(f".{depth}." in name for name in group)
        assert not any("conv_layers" in name or "embeddings" in name for name in group)


def test_masks_that_no_seed_reaches_are_off(tmp_path: Path) -> None:
    built = audio_models.build(
        read_folder(wav2vec2(tmp_path)), ModelSpec(str(tmp_path)), ("a", "b"), 0
    )
    module, clip = built.module.train(), torch.randn(4, 6000)
    found = []
    for numpy_seed in (1, 2):
        np.random.seed(numpy_seed)
        torch.manual_seed(0)
        found.append(module(clip))
    assert torch.equal(*found)


def test_saved_folders_are_loaded_by_transformers_and_by_us(tmp_path: Path) -> None:
    folder = spectrogram_transformer(tmp_path / "a")
    built = audio_models.build(read_folder(folder), ModelSpec(str(folder)), ("x", "y", "z"), 0)
    written = save_pretrained(built, tmp_path / "b")
    assert set(written) == {
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
        "sound.json",
    }
    theirs = AutoModelForAudioClassification.from_pretrained(tmp_path / "b").eval()
    assert theirs.config.id2label[2] == "z"
    again = audio_models.build(read_folder(tmp_path / "b"), ModelSpec(str(tmp_path / "b")), None, 0)
    row = torch.randn(2, 64, 32)
    with torch.no_grad():
        assert torch.allclose(theirs(row).logits, built.module(row), atol=1e-6)
        assert torch.equal(again.module(row), built.module(row))
    assert again.preprocessing == built.preprocessing
    assert again.classes == ("x", "y", "z")


def test_the_configuration_makes_the_same_architecture(tmp_path: Path) -> None:
    folder = wav2vec2(tmp_path, mask=True)
    built = audio_models.build(read_folder(folder), ModelSpec(str(folder)), ("x", "y", "z"), 0)
    restored = from_config(json.loads(json.dumps(built.config)), classes=built.classes)
    restored.module.load_state_dict(built.module.state_dict())
    assert restored.head == built.head
    assert restored.preprocessing == built.preprocessing
    assert restored.entry.task == "audio-classification"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"feature_extractor_type": "WhisperFeatureExtractor"}, "cannot be prepared"),
        (
            {"feature_extractor_type": "EvilExtractor", "auto_map": {"a": "b.C"}},
            "cannot be prepared",
        ),
        (None, "has no preprocessor_config.json"),
    ],
)
def test_sounds_that_nobody_can_prepare_are_refused(
    change: dict[str, str] | None, says: str, tmp_path: Path
) -> None:
    folder = wav2vec2(tmp_path)
    file = folder / "preprocessor_config.json"
    if change is None:
        file.unlink()
    else:
        file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(LeptonError, match=says) as caught:
        audio_models.build(read_folder(folder), ModelSpec(str(folder)), None, 0)
    assert len(str(caught.value).split("\n")) == 3


def test_a_model_of_pictures_is_no_classifier_of_sounds(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    with pytest.raises(LeptonError, match="no classifier of sounds"):
        audio_models.build(read_folder(tmp_path), ModelSpec(str(tmp_path)), None, 0)
    with pytest.raises(LeptonError, match="image_size"):
        audio_models.build(read_folder(tmp_path), ModelSpec(str(tmp_path), image_size=64), None, 0)
