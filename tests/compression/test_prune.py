# SPDX-License-Identifier: BSD-3-Clause
"""Fewer channels: the pruned network is made again from its configuration alone, and what cannot be cut says why."""

import json

import pytest
import torch

from lepton_lab.catalog import build, from_config
from lepton_lab.catalog.building import save_pretrained
from lepton_lab.compression.prune import prune
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec

CLASSES = ("cat", "dog", "owl")
TASK = "image-classification"


def count(built):
    return sum(p.numel() for p in built.module.parameters())


@pytest.fixture(scope="module")
def whole():
    return build(ModelSpec(name="lepton_glyphs"), classes=CLASSES, seed=0)


@pytest.fixture(scope="module")
def small(whole):
    return prune(whole, 0.5, TASK)


@pytest.fixture(scope="module")
def images(whole):
    channels = whole.preprocessing["channels"]
    return torch.randn(3, channels, 64, 64, generator=torch.Generator().manual_seed(1))


def answer(built, images):
    with torch.inference_mode():
        return built.module.eval()(images)


def test_half_of_the_channels_are_about_a_quarter_of_the_weights(whole, small, images):
    before = {k: v.clone() for k, v in whole.module.state_dict().items()}
    assert 0.2 < count(small) / count(whole) < 0.35
    assert answer(small, images).shape == (3, 3)
    assert all(torch.equal(before[k], v) for k, v in whole.module.state_dict().items())
    assert small.preprocessing == whole.preprocessing and small.classes == CLASSES


def test_it_is_made_again_from_json_and_computes_the_same(small, images):
    config = json.loads(json.dumps(small.config))
    again = from_config(config, classes=CLASSES)
    again.module.load_state_dict(small.module.state_dict())
    assert torch.equal(answer(again, images), answer(small, images))
    assert sorted(again.head) == sorted(small.head)
    assert sorted(name for group in again.groups for name in group) == sorted(
        name for name, _ in again.module.named_parameters()
    )


def test_it_gets_a_new_head_for_other_classes(small, images):
    other = from_config(small.config, classes=("a", "b", "c", "d", "e"))
    kept = {k: v for k, v in small.module.state_dict().items() if k not in small.head}
    assert not other.module.load_state_dict(kept, strict=False).unexpected_keys
    assert answer(other, images).shape == (3, 5)


def test_a_pruned_model_is_pruned_once_more(small, images):
    less = prune(small, 0.5, TASK)
    assert count(less) < 0.4 * count(small)
    assert less.config["base"]["source"] != "pruned"
    assert answer(less, images).shape == (3, 3)


def test_its_folder_is_loaded_by_name(small, images, tmp_path):
    assert save_pretrained(small, tmp_path / "small") == ["config.json", "model.safetensors"]
    again = build(ModelSpec(name=str(tmp_path / "small")))
    assert torch.equal(answer(again, images), answer(small, images))
    assert again.classes == CLASSES and again.preprocessing == small.preprocessing
    assert build(ModelSpec(name=str(tmp_path / "small")), classes=("x", "y")).classes == ("x", "y")


def test_a_damaged_folder_is_told_in_short(small, tmp_path):
    save_pretrained(small, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(LeptonError):
        build(ModelSpec(name=str(tmp_path)))


def test_a_size_that_is_none_is_not_set_on_a_layer(small):
    layer = next(iter(small.config["sizes"]))
    config = {**small.config, "sizes": {layer: {"forward": 3}}}
    with pytest.raises(LeptonError, match="damaged"):
        from_config(config, classes=CLASSES)


def test_a_transformer_is_refused_with_a_reason():
    model = build(ModelSpec(name="test_vit.r160_in1k", weights="none"), classes=CLASSES, seed=0)
    with pytest.raises(LeptonError, match="cannot be pruned") as caught:
        prune(model, 0.5, TASK)
    assert caught.value.why and "quantize" in caught.value.todo


def test_another_task_is_refused(whole):
    with pytest.raises(LeptonError, match="cannot be pruned") as caught:
        prune(whole, 0.5, "text-classification")
    assert "text-classification" in caught.value.why
