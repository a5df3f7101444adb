# SPDX-License-Identifier: BSD-3-Clause
"""The built-in backbone ``lepton_glyphs`` loads offline, is small, and is worth its weights."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")

FOLDER = Path(str(files("lepton_lab"))) / "catalog" / "builtin" / "lepton_glyphs"
WEIGHTS = FOLDER / "model.safetensors"
SCRIPTS = Path(__file__).parents[2] / "scripts"


def load(pretrained: bool, num_classes: int = 0) -> torch.nn.Module:
    torch.manual_seed(0)
    source = f"local-dir:{FOLDER}"
    return timm.create_model(source, pretrained=pretrained, num_classes=num_classes).eval()


@pytest.fixture(scope="module")
def config() -> dict:
    return json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def digits(config: dict) -> tuple[torch.Tensor, np.ndarray]:
    """700 handwritten digits at the network's input size, values in [-1, 1], and their labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = torch.from_numpy(data.images[:700]).float().div(16.0).unsqueeze(1)
    size = config["pretrained_cfg"]["input_size"][-1]
    images = torch.nn.functional.interpolate(images, size=(size, size), mode="bilinear")
    return images.mul(2.0).sub(1.0).expand(-1, 3, -1, -1), data.target[:700]


def probe(model: torch.nn.Module, digits: tuple[torch.Tensor, np.ndarray]) -> float:
    """Accuracy on 500 digits of a linear classifier fitted to the features of 200 others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    images, labels = digits
    with torch.inference_mode():
        features = torch.cat([model(part) for part in images.split(175)]).numpy()
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return classifier.fit(features[:200], labels[:200]).score(features[200:], labels[200:])


def test_the_folder_loads_offline_with_every_weight_in_place(
    monkeypatch: pytest.MonkeyPatch, config: dict
) -> None:
    from safetensors.torch import load_file

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = load(pretrained=True, num_classes=config["num_classes"])
    stored = load_file(WEIGHTS)
    state = model.state_dict()
    assert state.keys() == stored.keys()
    assert all(torch.equal(state[name], stored[name]) for name in stored)


def test_it_gives_one_logit_per_class_and_one_map_per_feature(config: dict) -> None:
    model = load(pretrained=True, num_classes=config["num_classes"])
    pictures = torch.zeros(2, *config["pretrained_cfg"]["input_size"])
    with torch.inference_mode():
        assert model(pictures).shape == (2, len(config["label_names"]))
        assert model.forward_features(pictures).shape[:2] == (2, config["num_features"])


def test_it_accepts_a_new_head_and_other_input_sizes() -> None:
    model = load(pretrained=True, num_classes=3)
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, 96, 64)).shape == (1, 3)


def test_its_preprocessing_keeps_the_whole_small_picture(config: dict) -> None:
    data = timm.data.resolve_model_data_config(load(pretrained=True))
    assert list(data["input_size"]) == config["pretrained_cfg"]["input_size"]
    assert (data["crop_pct"], data["interpolation"]) == (1.0, "bicubic")
    assert list(data["mean"]) == list(data["std"]) == [0.5, 0.5, 0.5]


def test_no_file_of_the_folder_reaches_four_megabytes() -> None:
    assert {path.name for path in FOLDER.iterdir()} >= {"config.json", "README.md", WEIGHTS.name}
    assert all(path.stat().st_size < 4_000_000 for path in FOLDER.iterdir())


def test_the_card_names_these_very_weights_their_license_and_their_limits() -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() in card
    assert "license: bsd-3-clause" in card
    assert "Not for photographs" in card


def test_the_card_shows_the_measured_accuracies(config: dict) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert len(config["evaluation"]) == 8
    for row in config["evaluation"]:
        assert len(row["accuracies"]) >= 3
        assert row["mean"] == pytest.approx(np.mean(row["accuracies"]), abs=1e-4)
        assert f"{row['mean']:.1%} ± {row['half_width_95']:.1%}" in card


def test_its_features_separate_digits_far_better_than_random_weights(
    digits: tuple[torch.Tensor, np.ndarray],
) -> None:
    pretrained, random = probe(load(True), digits), probe(load(False), digits)
    assert pretrained > 0.85
    assert pretrained > random + 0.08


@pytest.fixture(scope="module")
def banks(config: dict) -> tuple:
    """The masks the network was trained on, and those held out."""
    if not (SCRIPTS / "backbone").is_dir():
        pytest.skip("the training script is part of the repository, not of the installed package")
    sys.path.insert(0, str(SCRIPTS))
    try:
        return importlib.import_module("backbone.patterns").build_banks(config["training"]["seed"])
    finally:
        sys.path.remove(str(SCRIPTS))


def test_no_held_out_shape_was_trained_on(config: dict, banks: tuple) -> None:
    train, held_out = banks
    assert list(train.names) == list(held_out.names) == config["label_names"]
    assert (train.counts > 0).all()
    assert np.count_nonzero(held_out.counts) == config["held_out"]["classes"]
    for name, *runs in zip(
        train.names, train.starts, train.counts, held_out.starts, held_out.counts, strict=True
    ):
        start, count, other_start, other_count = runs
        seen = {mask.tobytes() for mask in train.masks[start : start + count]}
        unseen = held_out.masks[other_start : other_start + other_count]
        assert not any(mask.tobytes() in seen for mask in unseen), name


def test_the_network_names_held_out_shapes(config: dict, banks: tuple) -> None:
    draw_batch = importlib.import_module("backbone.augment").draw_batch
    pictures, labels = draw_batch(banks[1], 400, config["training"]["size"], seed=5)
    with torch.inference_mode():
        found = load(pretrained=True, num_classes=config["num_classes"])(pictures).argmax(1)
    accuracy = (found == labels).float().mean().item()
    assert accuracy == pytest.approx(config["held_out"]["accuracy"], abs=0.1)


def test_a_drawn_batch_is_a_function_of_its_seed(banks: tuple) -> None:
    draw_batch = importlib.import_module("backbone.augment").draw_batch
    once, again, other = (draw_batch(banks[0], 24, 48, seed)[0] for seed in (3, 3, 4))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert once.shape == (24, 3, 48, 48)
    assert once.min() >= -1.0 and once.max() <= 1.0
