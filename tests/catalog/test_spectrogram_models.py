# SPDX-License-Identifier: BSD-3-Clause
"""Networks of timm see sounds as pictures in one channel, whatever size they are built for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from lepton_lab.catalog import find, from_config, save_pretrained, sound_rules, spectrogram_models
from lepton_lab.catalog.folder import read_folder
from lepton_lab.runtime.inputs import preparer
from lepton_lab.spec import ModelSpec

NOISE = (np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32), 8000)


@pytest.mark.parametrize("name", ["test_resnet.r160_in1k", "test_vit.r160_in1k"])
@pytest.mark.parametrize("size", [None, 64])
def test_a_clip_goes_through_any_network(name: str, size: int | None) -> None:
    entry, spec = find(name), ModelSpec(name, weights="none", image_size=size)
    rule = spectrogram_models.rule_for(entry, spec, 8000, 1.0)
    built = spectrogram_models.build_for(entry, spec, ("a", "b", "c"), 0, rule)
    row = preparer(built.preprocessing).prepare(NOISE)["spectrogram"]
    assert row.shape == sound_rules.shape(built.preprocessing)
    if size or entry.fixed_input:
        assert row.shape[1] == row.shape[2]
    assert built.module(torch.from_numpy(row)[None]).shape == (1, 3)


def test_pretrained_filters_for_three_colours_are_added_up() -> None:
    entry = find("lepton_glyphs")
    heard = spectrogram_models.build(entry, ModelSpec("lepton_glyphs"), ("a", "b"), 0)
    seen = timm.create_model(f"local-dir:{entry.location}", pretrained=True)
    assert torch.allclose(
        heard.module.conv1.weight, seen.conv1.weight.sum(dim=1, keepdim=True), atol=1e-6
    )
    assert heard.pretrained
    assert heard.recipe["layer_decay"] == 1.0


def test_a_saved_network_keeps_how_it_hears(tmp_path: Path) -> None:
    entry = find("test_resnet.r160_in1k")
    spec = ModelSpec(entry.name, weights="none")
    built = spectrogram_models.build_for(entry, spec, ("a", "b"), 0, sound_rules.picture(8000, 0.5))
    save_pretrained(built, tmp_path)
    again = spectrogram_models.build(read_folder(tmp_path), ModelSpec(str(tmp_path)), None, 0)
    assert again.preprocessing == built.preprocessing
    assert again.classes == ("a", "b")
    assert read_folder(tmp_path).task == "audio-classification"
    theirs = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    row = torch.from_numpy(preparer(built.preprocessing).prepare(NOISE)["spectrogram"])[None]
    with torch.no_grad():
        assert torch.allclose(theirs(row), built.module.eval()(row), atol=1e-6)
        assert torch.equal(again.module.eval()(row), built.module(row))


def test_the_configuration_makes_the_same_architecture() -> None:
    entry = find("test_vit.r160_in1k")
    spec = ModelSpec(entry.name, weights="none")
    built = spectrogram_models.build(entry, spec, ("a", "b"), 0)
    restored = from_config(json.loads(json.dumps(built.config)), classes=("a", "b"))
    restored.module.load_state_dict(built.module.state_dict())
    assert restored.preprocessing == built.preprocessing
    assert restored.entry.task == "audio-classification"


@pytest.mark.parametrize("rate", [8000, 16000, 32000, 22050])
@pytest.mark.parametrize("side", [None, 64, 128, 224])
@pytest.mark.parametrize("seconds", [0.05, 0.65, 10.0])
def test_pictures_have_no_empty_rows(rate: int, side: int | None, seconds: float) -> None:
    rule = sound_rules.picture(rate, seconds, side)
    random = np.random.default_rng(0).normal(0, 0.1, rule["samples"]).astype(np.float32)
    row = preparer(rule).prepare((random, rate))["spectrogram"]
    assert row.shape == sound_rules.shape(rule)
    silent = -sound_rules.RANGE - sound_rules.MEAN
    assert (row[0].max(axis=1) > silent / sound_rules.STD).all()
