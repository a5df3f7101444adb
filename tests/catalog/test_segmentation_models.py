# SPDX-License-Identifier: BSD-3-Clause
"""Segmentation models of transformers: the library's own numbers, whole pictures, decoders that are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoImageProcessor, AutoModelForSemanticSegmentation

from lepton_lab.catalog import from_config, save_pretrained
from lepton_lab.catalog.folder import read_folder
from lepton_lab.catalog.segmentation_models import build, whole
from lepton_lab.catalog.segmentation_module import SteadyNorm
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec
from tests.catalog.tiny_segmentation import CONFIGS, tiny_folder

NAMES = ("background", "disc", "box")


@pytest.fixture(scope="module", params=list(CONFIGS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module", params=["segformer", "mobilenet_v2", "upernet"])
def few(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp(request.param), request.param)


def pixels(side: int = 64, count: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def logits(module: torch.nn.Module, side: int = 64) -> torch.Tensor:
    with torch.no_grad():
        found = module.eval()(pixels(side))
    return getattr(found, "logits", found)


def test_each_family_computes_what_transformers_computes(folder: Path) -> None:
    built = build(read_folder(folder), ModelSpec(str(folder)), None, 0)
    reference = AutoModelForSemanticSegmentation.from_pretrained(folder)
    given = pixels().flip(1) if "mobilevit" in folder.name else pixels()
    with torch.no_grad():
        wanted = reference.eval()(given).logits
    torch.testing.assert_close(logits(built.module), wanted)
    assert built.classes == tuple(f"label {i}" for i in range(5))
    resize, crop = built.preprocessing["resize"], built.preprocessing["crop"]
    assert resize["mode"] == "exact" and resize["size"] == [64, 64] and crop is None


def test_each_family_gets_a_last_layer_for_new_classes_and_keeps_the_rest(folder: Path) -> None:
    entry, spec = read_folder(folder), ModelSpec(str(folder))
    built, own = build(entry, spec, NAMES, 1), build(entry, spec, None, 1)
    assert logits(built.module).shape[:2] == (2, 3) and built.classes == NAMES
    before, after = own.module.state_dict(), built.module.state_dict()
    same = {name for name in after if torch.equal(after[name], before.get(name, torch.empty(0)))}
    changed = {name for name in dict(built.module.named_parameters()) if name not in same}
    assert changed and all("classifier" in name or "head.head" in name for name in changed), changed
    assert changed <= set(built.head) < set(after)
    assert [n for group in built.groups for n in group][-len(built.head) :] == built.head
    assert not any("auxiliary" in name for name in after)


def test_a_stored_configuration_makes_the_same_architecture(few: Path) -> None:
    built = build(read_folder(few), ModelSpec(str(few)), NAMES, 1)
    again = from_config(built.config, classes=NAMES)
    again.module.load_state_dict(built.module.state_dict())
    torch.testing.assert_close(logits(again.module), logits(built.module), rtol=0, atol=0)
    assert again.head == built.head and again.preprocessing == built.preprocessing
    assert again.recipe["learning_rate"] > 0 and "why" in again.recipe


def test_what_is_saved_is_loaded_by_transformers(few: Path, tmp_path: Path) -> None:
    built = build(read_folder(few), ModelSpec(str(few)), NAMES, 1)
    files = save_pretrained(built, tmp_path)
    assert {"config.json", "model.safetensors", "preprocessor_config.json"} <= set(files)
    found = AutoModelForSemanticSegmentation.from_pretrained(tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(found.eval()(pixels()).logits, logits(built.module))
    assert tuple(found.config.id2label.values()) == NAMES
    AutoImageProcessor.from_pretrained(tmp_path)


def test_a_training_batch_of_one_picture_passes(few: Path) -> None:
    module = build(read_folder(few), ModelSpec(str(few)), NAMES, 1).module.train()
    module(pixels(count=1)).sum().backward()
    norms = [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert all(isinstance(norm, SteadyNorm) and norm.momentum <= 0.1 for norm in norms)


def test_deeplab_is_freed_of_what_tensorflow_left(tmp_path: Path) -> None:
    """Momentum and dropout mean something else there; both would ruin a training in silence."""
    built = build(
        read_folder(tiny_folder(tmp_path, "mobilenet_v2")), ModelSpec(str(tmp_path)), NAMES, 1
    )
    assert built.module.model.segmentation_head.dropout.p == pytest.approx(0.2)
    assert any("momentum" in note for note in built.notes)
    assert any("Decoder dropout" in note for note in built.notes)


def test_another_image_size(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path)
    built = build(read_folder(folder), ModelSpec(str(folder), image_size=96), NAMES, 1)
    assert built.preprocessing["resize"]["size"] == [96, 96]
    assert logits(built.module, 96).shape[2:] == (24, 24)


def test_a_size_that_a_model_cannot_take_is_refused_with_one_that_works(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path, "dpt")
    with pytest.raises(LeptonError, match=r"(?s)cannot take images of 10 x 10.*These sizes work"):
        build(read_folder(folder), ModelSpec(str(folder), image_size=10), NAMES, 1)


def test_an_image_classifier_lends_its_encoder(tmp_path: Path) -> None:
    from transformers import SegformerConfig, SegformerForImageClassification

    config = SegformerConfig(**CONFIGS["segformer"])
    SegformerForImageClassification(config).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        '{"image_processor_type": "SegformerImageProcessor"}'
    )
    entry, spec = read_folder(tmp_path), ModelSpec(str(tmp_path))
    built = build(entry, spec, NAMES, 1)
    assert logits(built.module).shape[:2] == (2, 3)
    assert any("decode_head" in name for name in built.config["fresh"])
    without = build(entry, spec, None, 1)
    assert without.classes == () and "no decoder" in without.notes[-1]


def test_a_model_without_masks_is_refused(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
    )
    ViTForImageClassification(config).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        '{"image_processor_type": "ViTImageProcessor"}'
    )
    with pytest.raises(LeptonError, match="no semantic segmentation model of type 'vit'"):
        build(read_folder(tmp_path), ModelSpec(str(tmp_path)), NAMES, 1)


def test_no_processor_leaves_an_edge_without_a_mask() -> None:
    sizes = [
        ({"image_processor_type": "DPTImageProcessor", "size": {"height": 480, "width": 480},
          "keep_aspect_ratio": True, "ensure_multiple_of": 32}, 480),
        ({"image_processor_type": "MobileViTImageProcessor", "size": {"shortest_edge": 544},
          "crop_size": {"height": 512, "width": 512}}, 512),
        ({"image_processor_type": "SegformerImageProcessor", "size": 640}, 640),
    ]  # fmt: skip
    for raw, side in sizes:
        found = whole(raw)
        assert found["size"] == {"height": side, "width": side} and not found["do_center_crop"]
