# SPDX-License-Identifier: BSD-3-Clause
"""Small real models of both libraries, made once, and an empty cache of the hub."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty hub cache and no network: what a test finds, it has put there itself."""
    folder = tmp_path_factory.mktemp("hub")
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return folder


@pytest.fixture(scope="session")
def timm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test_resnet of three classes as timm itself saves it, in half precision."""
    import timm
    import torch
    from timm.models import save_for_hf

    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("models") / "animals"
    model = timm.create_model("test_resnet", num_classes=3).half()
    preprocessing = {
        "input_size": (3, 96, 96),
        "crop_pct": 0.9,
        "interpolation": "bilinear",
        "mean": (0.4, 0.5, 0.6),
        "std": (0.2, 0.3, 0.4),
    }
    save_for_hf(
        model,
        folder,
        {"label_names": ["cat", "dog", "red, round"]},
        safe_serialization=True,
        data_config=preprocessing,
    )
    return folder


@pytest.fixture(scope="session")
def vit_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny ViT of five classes in transformers' layout, half precision, with keys that name code."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(2)
    folder = tmp_path_factory.mktemp("models") / "tiny-vit"
    labels = {i: f"label {i}" for i in range(5)}
    config = ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8,
        id2label=labels, label2id={v: k for k, v in labels.items()},
    )  # fmt: skip
    ViTForImageClassification(config).half().save_pretrained(folder)
    written = json.loads((folder / "config.json").read_text())
    written |= {
        "auto_map": {"AutoModelForImageClassification": "evil.Evil"},
        "_attn_implementation_internal": "evil/kernel",
    }
    (folder / "config.json").write_text(json.dumps(written))
    (folder / "evil.py").write_text("raise SystemExit('remote code ran')")
    processor = {
        "image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"height": 32, "width": 32}, "resample": 3,
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6],
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


@pytest.fixture
def put_on_hub(no_hub: Path):
    """Put a folder into the cache as the hub's client lays it out."""

    def put(folder: Path, repository: str) -> Path:
        target = no_hub / ("models--" + repository.replace("/", "--"))
        shutil.copytree(folder, target / "snapshots" / "0123abcd")
        (target / "refs").mkdir()
        (target / "refs" / "main").write_text("0123abcd")
        return target / "snapshots" / "0123abcd"

    return put
