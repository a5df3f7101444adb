# SPDX-License-Identifier: BSD-3-Clause
"""Image classifiers of transformers: no remote code, whole heads, statistics that survive training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoImageProcessor, AutoModelForImageClassification

from lepton_lab.catalog import build, from_config, save_pretrained
from lepton_lab.catalog.transformers_common import safe_config
from lepton_lab.errors import LeptonError, WeightsError
from lepton_lab.spec import ModelSpec


def outputs(module: torch.nn.Module, size: int, channels: int = 3) -> torch.Tensor:
    pixels = torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        result = module.eval()(pixels)
    return getattr(result, "logits", result)


def reference(folder: Path) -> torch.nn.Module:
    return AutoModelForImageClassification.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True
    )


@pytest.fixture
def bare_folder(vit_folder: Path, tmp_path: Path) -> Path:
    """The tiny ViT without its classifier, as a pretrained backbone comes."""
    folder = tmp_path / "backbone"
    shutil.copytree(vit_folder, folder)
    state = {
        k: v
        for k, v in load_file(folder / "model.safetensors").items()
        if not k.startswith("classifier")
    }
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    return folder


def changed(folder: Path, tmp_path: Path, file: str, **keys: object) -> Path:
    target = tmp_path / "changed"
    shutil.copytree(folder, target)
    (target / file).write_text(json.dumps(json.loads((target / file).read_text()) | keys))
    return target


def test_a_folder_computes_what_transformers_computes_in_float32(
    vit_folder: Path, tmp_path: Path
) -> None:
    built = build(ModelSpec(str(vit_folder)))
    clean = tmp_path / "clean"
    shutil.copytree(vit_folder, clean)
    (clean / "config.json").write_text(
        json.dumps(safe_config(json.loads((vit_folder / "config.json").read_text())))
    )
    assert torch.equal(outputs(built.module, 32), outputs(reference(clean), 32))
    assert {parameter.dtype for parameter in built.module.parameters()} == {torch.float32}
    assert (
        built.classes == tuple(f"label {i}" for i in range(5))
        and built.weights == "folder tiny-vit"
    )


def test_keys_that_name_code_are_dropped_at_any_depth(vit_folder: Path) -> None:
    raw = {
        "model_type": "clip",
        "quantization_config": {},
        "vision_config": {"auto_map": 1, "hidden_size": 8, "attn_implementation": "a/b"},
    }
    assert safe_config(raw) == {"model_type": "clip", "vision_config": {"hidden_size": 8}}
    config = build(ModelSpec(str(vit_folder))).config["config"]
    assert "auto_map" not in config and not any(key.startswith("_") for key in config)


def test_the_head_and_its_names_are_replaced_together(vit_folder: Path, tmp_path: Path) -> None:
    built = build(ModelSpec(str(vit_folder)), classes=["a", "b", "c"])
    assert built.classes == ("a", "b", "c") and outputs(built.module, 32).shape == (2, 3)
    assert sorted(built.head) == ["model.classifier.bias", "model.classifier.weight"]
    assert built.groups[-1] == built.head and len(built.groups) == 4
    assert sorted(name for group in built.groups for name in group) == sorted(
        name for name, _ in built.module.named_parameters()
    )
    save_pretrained(built, tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["id2label"] == {"0": "a", "1": "b", "2": "c"} and config["label2id"] == {
        "a": 0,
        "b": 1,
        "c": 2,
    }


def test_a_new_head_of_as_many_classes_is_new_and_the_backbone_is_not(vit_folder: Path) -> None:
    old = build(ModelSpec(str(vit_folder))).module.state_dict()
    new = build(ModelSpec(str(vit_folder)), classes=list("vwxyz")).module.state_dict()
    assert not torch.equal(old["model.classifier.weight"], new["model.classifier.weight"])
    rest = [name for name in old if "classifier" not in name]
    assert rest and all(torch.equal(old[name], new[name]) for name in rest)


def test_the_head_depends_on_the_seed_alone_and_no_global_state_moves(vit_folder: Path) -> None:
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    one = build(ModelSpec(str(vit_folder)), classes=["a", "b"], seed=7)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(6)
    weights = [
        build(ModelSpec(str(vit_folder)), classes=["a", "b"], seed=s).module.model.classifier.weight
        for s in (7, 8)
    ]
    assert torch.equal(one.module.model.classifier.weight, weights[0])
    assert not torch.equal(weights[0], weights[1])


def test_a_saved_folder_is_loaded_by_transformers_itself_and_by_us(
    vit_folder: Path, tmp_path: Path
) -> None:
    built = build(ModelSpec(str(vit_folder)), classes=["x", "y"])
    names = save_pretrained(built, tmp_path / "out")
    assert names == ["config.json", "model.safetensors", "preprocessor_config.json"]
    again = build(ModelSpec(str(tmp_path / "out")))
    assert torch.equal(outputs(reference(tmp_path / "out"), 32), outputs(built.module, 32))
    assert torch.equal(outputs(again.module, 32), outputs(built.module, 32))
    assert again.classes == ("x", "y") and again.preprocessing == built.preprocessing
    processor = AutoImageProcessor.from_pretrained(tmp_path / "out")
    assert list(processor.image_mean) == built.preprocessing["mean"]


def test_the_configuration_alone_gives_the_same_architecture(vit_folder: Path) -> None:
    built = build(ModelSpec(str(vit_folder), image_size=48), classes=["x", "y"])
    again = from_config(json.loads(json.dumps(built.config)), classes=["x", "y"])
    again.module.load_state_dict(built.module.state_dict())
    assert torch.equal(outputs(again.module, 48), outputs(built.module, 48))
    assert (
        again.preprocessing == built.preprocessing
        and again.head == built.head
        and not again.pretrained
    )


def test_preprocessing_is_that_of_the_processors_file(vit_folder: Path) -> None:
    rule = build(ModelSpec(str(vit_folder))).preprocessing
    assert (
        rule["resize"] == {"mode": "exact", "size": [32, 32], "interpolation": "bicubic"}
        and rule["crop"] is None
    )
    assert (rule["mean"], rule["std"]) == ([0.1, 0.2, 0.3], [0.4, 0.5, 0.6])


def test_weights_without_a_processors_file_are_refused(vit_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    shutil.copytree(vit_folder, folder)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(LeptonError, match=r"no preprocessor_config\.json"):
        build(ModelSpec(str(folder)))


def test_a_backbone_without_a_head_gets_one_and_never_invents_classes(bare_folder: Path) -> None:
    trained = build(ModelSpec(str(bare_folder)), classes=["a", "b"])
    assert trained.pretrained and outputs(trained.module, 32).shape == (2, 2)
    bare = build(ModelSpec(str(bare_folder)))
    assert bare.classes == () and "no classifier" in bare.notes[-1]


def test_weights_that_do_not_fit_name_the_first_tensors(vit_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    shutil.copytree(vit_folder, folder)
    state = load_file(folder / "model.safetensors")
    state["vit.layernorm.weight"] = torch.zeros(7)
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(LeptonError, match=r"vit\.layernorm\.weight is \(7\), the model's \(32\)"):
        build(ModelSpec(str(folder)))


def test_a_file_of_weights_is_loaded_and_a_head_of_other_size_only_with_new_classes(
    vit_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.safetensors"
    state = {k: v.clone() for k, v in load_file(vit_folder / "model.safetensors").items()}
    save_file(state, file)
    built = build(ModelSpec(str(vit_folder), weights=str(file)))
    assert torch.equal(
        outputs(built.module, 32), outputs(build(ModelSpec(str(vit_folder))).module, 32)
    )
    save_file(
        state | {"classifier.weight": torch.zeros(9, 32), "classifier.bias": torch.zeros(9)}, file
    )
    with pytest.raises(WeightsError, match="classifier"):
        build(ModelSpec(str(vit_folder), weights=str(file)))
    assert (
        build(ModelSpec(str(vit_folder), weights=str(file)), classes=["a"]).weights
        == "file mine.safetensors"
    )


def test_a_cached_repository_is_loaded_without_a_network(vit_folder: Path, put_on_hub) -> None:
    put_on_hub(vit_folder, "zoo/tiny-vit")
    built = build(ModelSpec("hf-hub:zoo/tiny-vit"))
    assert built.weights == "hub cache" and built.entry.hub_id == "zoo/tiny-vit"
    assert torch.equal(
        outputs(built.module, 32), outputs(build(ModelSpec(str(vit_folder))).module, 32)
    )


def test_a_repository_that_is_not_here_says_so() -> None:
    with pytest.raises(WeightsError, match='"microsoft/resnet-50" are not on this machine'):
        build(ModelSpec("microsoft/resnet-50"))


def test_another_image_size_interpolates_positions_and_an_impossible_one_is_told(
    vit_folder: Path,
) -> None:
    built = build(ModelSpec(str(vit_folder), image_size=64))
    assert outputs(built.module, 64).shape == (2, 5) and built.preprocessing["resize"]["size"] == [
        64,
        64,
    ]


def test_one_channel_sums_the_first_layer(vit_folder: Path) -> None:
    color, grey = build(ModelSpec(str(vit_folder))), build(ModelSpec(str(vit_folder), channels=1))
    pixels = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        assert torch.allclose(
            grey.module(pixels), color.module(pixels.expand(-1, 3, -1, -1)), atol=1e-4
        )
    assert grey.preprocessing["mean"] == [0.2]


@pytest.mark.parametrize("kind", ["mobilenet_v1", "mobilenet_v2"])
def test_tensorflow_settings_that_ruin_fine_tuning_are_undone_and_told(kind: str) -> None:
    built = build(ModelSpec(f"transformers/{kind}", weights="none"), classes=["a", "b"])
    again = from_config(built.config, classes=["a", "b"])
    for module in (built.module, again.module):
        momenta = {m.momentum for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)}
        assert momenta == {0.1} and module.model.dropout.p < 0.5
    assert "momentum" in built.notes[0] and "dropout" in built.notes[1].lower()


def test_running_statistics_of_mobilenet_are_no_longer_those_of_the_last_batch() -> None:
    module = build(
        ModelSpec("transformers/mobilenet_v1", weights="none"), classes=["a", "b"]
    ).module
    norm = next(m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d))
    module.train()
    module(torch.randn(4, 3, 32, 32) + 5.0)
    first = norm.running_mean.clone()
    module(torch.randn(4, 3, 32, 32) - 5.0)
    change = (norm.running_mean - first).abs().max()
    assert change < 0.5 * first.abs().max() * 10 and not torch.allclose(
        norm.running_mean, -first, rtol=0.3
    )


def test_real_weights_with_the_background_first_keep_their_alignment(
    shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "model-hf-mobilenet_v1_0.25_128"
    if not folder.is_dir():
        pytest.skip("model-hf-mobilenet_v1_0.25_128 is not in the shared data")
    built = build(ModelSpec(str(folder)))
    labels = json.loads((folder / "config.json").read_text())["id2label"]
    assert (
        len(built.classes) == 1001
        and built.classes[0] == "background"
        and built.classes[1].startswith("tench")
    )
    assert built.classes[282] == labels["282"] and len(set(built.classes)) == 1001
    assert torch.equal(outputs(built.module, 128), outputs(reference(folder), 128))
    assert built.preprocessing["resize"]["size"] == [146, 146] and built.preprocessing["mean"] == [
        0.5,
        0.5,
        0.5,
    ]
    fresh = build(ModelSpec(str(folder)), classes=["a", "b", "c"])
    save_pretrained(fresh, tmp_path)
    assert reference(tmp_path).config.id2label == {0: "a", 1: "b", 2: "c"}


@pytest.mark.parametrize(
    ("file", "keys", "said"),
    [
        ("config.json", {"model_type": "no_such_type"}, "no_such_type"),
        ("config.json", {"model_type": "bert"}, "no image classifier"),
        ("config.json", {"hidden_size": "wide"}, "not valid|cannot build"),
        ("preprocessor_config.json", {"do_trim_border": True}, "do_trim_border"),
        ("preprocessor_config.json", {"image_processor_type": "EvilImageProcessor"}, "Evil"),
        ("preprocessor_config.json", {"size": {"shortest_edge": 40}}, "different sizes"),
    ],
)
def test_files_that_cannot_be_followed_are_refused_with_the_reason(
    vit_folder: Path, tmp_path: Path, file: str, keys: dict, said: str
) -> None:
    with pytest.raises(LeptonError, match=said):
        build(ModelSpec(str(changed(vit_folder, tmp_path, file, **keys))))
