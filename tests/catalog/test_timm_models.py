# SPDX-License-Identifier: BSD-3-Clause
"""Models of timm: what the files say is what is built."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from lepton_lab.catalog import build, find, from_config, save_pretrained
from lepton_lab.errors import LeptonError, WeightsError
from lepton_lab.spec import ModelSpec

RANDOM = "none"


def outputs(module: torch.nn.Module, size: int, channels: int = 3) -> torch.Tensor:
    pixels = torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return module.eval()(pixels)


def test_a_folder_computes_what_timm_computes_from_it(timm_folder: Path) -> None:
    built = build(ModelSpec(str(timm_folder)))
    reference = timm.create_model(f"local-dir:{timm_folder}", pretrained=True)
    assert torch.equal(outputs(built.module, 96), outputs(reference, 96))
    assert built.classes == ("cat", "dog", "red, round")
    assert (built.weights, built.pretrained) == ("folder animals", True)


def test_half_precision_files_become_float32(timm_folder: Path) -> None:
    assert load_file(timm_folder / "model.safetensors")["fc.weight"].dtype == torch.float16
    built = build(ModelSpec(str(timm_folder)))
    assert {parameter.dtype for parameter in built.module.parameters()} == {torch.float32}


def test_preprocessing_is_that_of_the_files_and_not_a_generic_one(timm_folder: Path) -> None:
    rule = build(ModelSpec(str(timm_folder))).preprocessing
    assert rule["resize"] == {"mode": "shortest", "size": [106, 106], "interpolation": "bilinear"}
    assert rule["crop"] == {"mode": "center", "size": [96, 96], "fill": 0}
    assert (rule["mean"], rule["std"]) == ([0.4, 0.5, 0.6], [0.2, 0.3, 0.4])


@pytest.mark.parametrize(
    "name",
    [
        "resnet18.a1_in1k",
        "vit_tiny_patch16_224.augreg_in21k",
        "test_vit.r160_in1k",
        "efficientvit_b0.r224_in1k",
    ],
)
def test_preprocessing_of_a_tag_is_timms_data_configuration(name: str) -> None:
    from timm.data import resolve_data_config

    built = build(ModelSpec(name, weights=RANDOM), classes=["a", "b"])
    config = resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    rule = built.preprocessing
    assert rule["crop"]["size"] == list(config["input_size"][1:])
    assert rule["resize"]["size"][0] == int(config["input_size"][1] / config["crop_pct"])
    assert rule["resize"]["interpolation"] == config["interpolation"]
    assert rule["mean"] == list(config["mean"]) and rule["std"] == list(config["std"])


def test_arguments_beside_the_weights_are_honoured(tmp_path: Path) -> None:
    """TensorFlow padding changes no tensor's shape, so losing it would be silent."""
    model = timm.create_model("mobilenetv3_small_050", pad_type="same", num_classes=3)
    timm.models.save_for_hf(model, tmp_path, safe_serialization=True)
    built = build(ModelSpec(str(tmp_path)))
    plain = timm.create_model("mobilenetv3_small_050", num_classes=3)
    plain.load_state_dict(built.module.state_dict())
    assert torch.equal(outputs(built.module, 64), outputs(model, 64))
    assert not torch.allclose(outputs(built.module, 64), outputs(plain, 64))
    again = from_config(json.loads(json.dumps(built.config)), classes=["a", "b", "c"])
    again.module.load_state_dict(built.module.state_dict())
    assert torch.equal(outputs(again.module, 64), outputs(model, 64))


def test_real_weights_keep_their_padding_and_get_readable_names(shared_data: Path) -> None:
    folder = shared_data / "model-mobilenetv2_100"
    if not folder.is_dir():
        pytest.skip("model-mobilenetv2_100 is not in the shared data")
    built = build(ModelSpec(str(folder)))
    reference = timm.create_model(f"local-dir:{folder}", pretrained=True)
    assert torch.equal(outputs(built.module, 64), outputs(reference, 64))
    assert built.config["model_args"] == {"pad_type": "same"}
    assert built.classes[:2] == ("tench", "goldfish") and len(set(built.classes)) == 1000
    assert built.classes[281] == "tabby" and built.preprocessing["mean"] == [0.5, 0.5, 0.5]


def test_a_new_head_has_its_own_weights_even_with_as_many_classes(timm_folder: Path) -> None:
    before = build(ModelSpec(str(timm_folder)))
    after = build(ModelSpec(str(timm_folder)), classes=["x", "y", "z"])
    assert after.classes == ("x", "y", "z") and after.head == ["fc.weight", "fc.bias"]
    old, new = before.module.state_dict(), after.module.state_dict()
    assert {name for name in old if not torch.equal(old[name], new[name])} == {
        "fc.weight",
        "fc.bias",
    }


def test_the_head_depends_on_the_seed_alone_and_no_global_state_moves(timm_folder: Path) -> None:
    spec = ModelSpec(str(timm_folder))
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    one = build(spec, classes=["a", "b"], seed=7)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(6)
    same, other = build(spec, classes=["a", "b"], seed=7), build(spec, classes=["a", "b"], seed=8)
    assert torch.equal(one.module.fc.weight, same.module.fc.weight)
    assert not torch.equal(one.module.fc.weight, other.module.fc.weight)


@pytest.mark.parametrize(
    "name",
    ["test_resnet", "test_vit", "mobilenetv3_small_050", "test_convnext", "test_efficientnet"],
)
def test_groups_hold_every_parameter_once_from_the_input_to_the_head(name: str) -> None:
    built = build(ModelSpec(name, weights=RANDOM), classes=["a", "b", "c"])
    names = [parameter for parameter, _ in built.module.named_parameters()]
    flat = [parameter for group in built.groups for parameter in group]
    assert sorted(flat) == sorted(names) and len(built.groups) >= 4
    assert built.groups[-1] == built.head and names[0] in built.groups[0]
    assert built.module.get_parameter(built.head[0]).shape[0] == 3


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "mobilenetv3_small_050", "repvit_m1"])
def test_a_saved_folder_is_loaded_by_timm_itself_and_by_us(tmp_path: Path, name: str) -> None:
    built = build(
        ModelSpec(name, weights=RANDOM, image_size=64 if name == "test_vit" else None),
        classes=["x", "y"],
    )
    assert save_pretrained(built, tmp_path) == ["config.json", "model.safetensors"]
    size = built.preprocessing["crop"]["size"][0]
    reference = timm.create_model(f"local-dir:{tmp_path}", pretrained=True)
    again = build(ModelSpec(str(tmp_path)))
    expected = outputs(built.module, size)
    assert torch.equal(outputs(reference, size), expected) and torch.equal(
        outputs(again.module, size), expected
    )
    assert again.classes == ("x", "y") and again.preprocessing == built.preprocessing


def test_a_cached_repository_is_loaded_without_a_network(timm_folder: Path, put_on_hub) -> None:
    put_on_hub(timm_folder, "zoo/animals")
    built = build(ModelSpec("zoo/animals"))
    assert (built.weights, built.classes[0], built.entry.hub_id) == (
        "hub cache",
        "cat",
        "zoo/animals",
    )
    assert torch.equal(
        outputs(built.module, 96), outputs(build(ModelSpec(str(timm_folder))).module, 96)
    )


def test_a_tag_is_loaded_from_the_cache_of_the_hub(tmp_path: Path, put_on_hub) -> None:
    model = timm.create_model("test_resnet.r160_in1k")
    timm.models.save_for_hf(model, tmp_path / "m", safe_serialization=True)
    put_on_hub(tmp_path / "m", "timm/test_resnet.r160_in1k")
    built = build(ModelSpec("imagenet_test_resnet"))
    assert (
        built.weights == "hub cache" and built.classes[0] == "tench" and len(built.classes) == 1000
    )
    assert torch.equal(outputs(built.module, 64), outputs(model, 64))
    assert find("test_resnet").cached


def test_weights_that_are_nowhere_name_what_is_here_and_what_to_do() -> None:
    with pytest.raises(WeightsError) as caught:
        build(ModelSpec("resnet18"))
    lines = str(caught.value).split("\n")
    assert (
        lines[0]
        == 'The weights of "resnet18.a1_in1k" are not on this machine and HF_HUB_OFFLINE is set.'
    )
    assert (
        "lepton_glyphs" in lines[1] and "config.json" in lines[2] and "weights='none'" in lines[2]
    )


def test_random_weights_only_when_asked(timm_folder: Path) -> None:
    built = build(ModelSpec(str(timm_folder), weights=RANDOM))
    assert (built.weights, built.pretrained) == ("random", False)
    assert not torch.equal(
        built.module.fc.weight, build(ModelSpec(str(timm_folder))).module.fc.weight
    )


def test_a_file_of_weights_is_loaded_by_its_path(timm_folder: Path, tmp_path: Path) -> None:
    model = timm.create_model("test_resnet")
    save_file(model.state_dict(), tmp_path / "mine.safetensors")
    built = build(ModelSpec("test_resnet", weights=str(tmp_path / "mine.safetensors")))
    assert built.weights == "file mine.safetensors" and built.pretrained
    assert torch.equal(outputs(built.module, 64), outputs(model, 64))


def test_a_file_that_does_not_fit_names_the_first_tensors_that_differ(tmp_path: Path) -> None:
    state = timm.create_model("test_resnet").state_dict()
    state["conv1.0.weight"] = torch.zeros(1, 3, 3, 3)
    del state["bn1.bias"]
    save_file(state, tmp_path / "other.safetensors")
    with pytest.raises(LeptonError) as caught:
        build(ModelSpec("test_resnet", weights=str(tmp_path / "other.safetensors")))
    text = str(caught.value)
    assert "conv1.0.weight is (1, 3, 3, 3)" in text and "bn1.bias is missing" in text


@pytest.mark.parametrize("name", ["model.pt", "model.bin", "model.pth", "model.ckpt", "model.pkl"])
def test_pickles_are_not_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(WeightsError, match="Python code"):
        build(ModelSpec("test_resnet", weights=str(tmp_path / name)))


def test_a_folder_with_only_a_pickle_is_refused(timm_folder: Path, tmp_path: Path) -> None:
    shutil.copy(timm_folder / "config.json", tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin was not opened"):
        build(ModelSpec(str(tmp_path)))


@pytest.mark.parametrize(
    ("weights", "said"), [("/no/such.safetensors", "There is no file"), ("pretraind", "neither")]
)
def test_a_wrong_word_for_weights_is_told(weights: str, said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        build(ModelSpec("test_resnet", weights=weights))


def test_another_image_size_of_a_fixed_model_resamples_its_positions(tmp_path: Path) -> None:
    model = timm.create_model("vit_tiny_patch16_224", num_classes=2, depth=2)
    timm.models.save_for_hf(model, tmp_path, safe_serialization=True)
    built = build(ModelSpec(str(tmp_path), image_size=64))
    assert built.preprocessing["crop"]["size"] == [64, 64] and outputs(built.module, 64).shape == (
        2,
        2,
    )
    assert built.module.pos_embed.shape[1] == 17
    again = from_config(json.loads(json.dumps(built.config)), classes=["a", "b"])
    again.module.load_state_dict(built.module.state_dict())
    assert again.preprocessing == built.preprocessing


def test_an_impossible_image_size_names_sizes_that_work() -> None:
    with pytest.raises(LeptonError) as caught:
        build(ModelSpec("test_vit", weights=RANDOM, image_size=100))
    lines = str(caught.value).split("\n")
    assert lines[0].endswith("cannot take images of 100 x 100 pixels.")
    sizes = [int(word.strip(".")) for word in lines[1].split() if word.strip(".").isdigit()]
    assert len(sizes) == 2
    for size in sizes:
        assert (
            outputs(
                build(ModelSpec("test_vit", weights=RANDOM, image_size=size)).module, size
            ).shape[0]
            == 2
        )


def test_one_channel_sums_the_first_layer(timm_folder: Path) -> None:
    color, grey = build(ModelSpec(str(timm_folder))), build(ModelSpec(str(timm_folder), channels=1))
    pixels = torch.randn(2, 1, 96, 96)
    with torch.no_grad():
        assert torch.allclose(
            grey.module(pixels), color.module(pixels.expand(-1, 3, -1, -1)), atol=1e-4
        )
    assert grey.preprocessing["channels"] == 1 and grey.preprocessing["mean"] == [0.5]
    again = from_config(grey.config, classes=["a"])
    assert outputs(again.module, 96, channels=1).shape == (2, 1)


def test_a_configuration_cannot_point_at_weights_elsewhere(
    timm_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "m"
    shutil.copytree(timm_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    config["pretrained_cfg"] |= {
        "url": "http://127.0.0.1:9/evil.pth",
        "file": "/etc/passwd",
        "custom_load": True,
        "hf_hub_id": "evil/evil",
        "surprise": 1,
    }
    (folder / "config.json").write_text(json.dumps(config))
    built = build(ModelSpec(str(folder)))
    assert torch.equal(
        outputs(built.module, 96), outputs(build(ModelSpec(str(timm_folder))).module, 96)
    )
    assert not {"url", "file", "hf_hub_id"} & set(built.config["pretrained_cfg"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"architecture": "no_such_net"}, "no_such_net"),
        ({"model_args": {"no_such": 1}}, "cannot build"),
    ],
)
def test_a_configuration_that_timm_cannot_build_is_told(
    timm_folder: Path, tmp_path: Path, change: dict, said: str
) -> None:
    folder = tmp_path / "m"
    shutil.copytree(timm_folder, folder)
    config = json.loads((folder / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(LeptonError, match=said):
        build(ModelSpec(str(folder)))


def test_two_classes_of_one_name_are_refused() -> None:
    with pytest.raises(LeptonError, match="Two classes"):
        build(ModelSpec("test_resnet", weights=RANDOM), classes=["a", "a"])


def test_the_builtin_model_trains_a_new_head_and_knows_its_own_classes() -> None:
    built = build(ModelSpec("lepton_glyphs"))
    assert built.weights == "builtin" and len(built.classes) == built.module.num_classes
    fresh = build(ModelSpec("lepton_glyphs"), classes=[str(i) for i in range(10)])
    assert np.isfinite(outputs(fresh.module, 48).numpy()).all() and fresh.pretrained


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"source": "keras"},
        {"source": "timm"},
        {"source": "timm", "architecture": "test_resnet"},
        {"source": "transformers"},
    ],
)
def test_a_damaged_stored_configuration_is_told(config: dict) -> None:
    with pytest.raises(LeptonError):
        from_config(config, classes=["a", "b"])


def test_weights_in_several_files_are_never_taken_for_none(
    timm_folder: Path, tmp_path: Path
) -> None:
    shutil.copy(timm_folder / "config.json", tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {}}))
    with pytest.raises(WeightsError, match="several files"):
        build(ModelSpec(str(tmp_path)))
