# SPDX-License-Identifier: BSD-3-Clause
"""Real pictures of blood cells: they load, train and are measured.

No pretrained detector is among the shared files, so that the detector starts on an ImageNet backbone alone.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

import lepton_lab as lab
from tests.catalog.tiny_detection import tiny_folder

pytestmark = pytest.mark.shared
FULL = os.environ.get("LEPTON_REAL_DATA") == "full"


def on_mobilenet(folder: Path, weights: Path) -> Path:
    """A small RT-DETR whose backbone has the weights of ImageNet."""
    import timm
    from transformers import RTDetrConfig, RTDetrForObjectDetection

    inner = {"model_type": "timm_backbone", "backbone": "mobilenetv2_100", "out_indices": [2, 3, 4]}
    small = RTDetrConfig(
        backbone_config=inner, encoder_hidden_dim=128, encoder_in_channels=[32, 96, 320],
        encoder_ffn_dim=256, encoder_attention_heads=4, d_model=128, num_queries=60,
        decoder_in_channels=[128, 128, 128], decoder_ffn_dim=256, decoder_layers=3,
        decoder_attention_heads=4, num_denoising=30, hidden_expansion=0.5,
    )  # fmt: skip
    model = RTDetrForObjectDetection(small)
    trained = timm.create_model(f"local-dir:{weights}", pretrained=True).state_dict()
    inside = model.model.backbone.state_dict()
    ends = {name.rpartition("_backbone.")[2] or name: name for name in inside}
    taken = {
        ends[n]: v for n, v in trained.items() if n in ends and inside[ends[n]].shape == v.shape
    }
    assert len(taken) > 200
    model.model.backbone.load_state_dict(taken, strict=False)
    model.save_pretrained(folder)
    rule = {"image_processor_type": "RTDetrImageProcessor", "size": {"height": 160, "width": 224}}
    normal = {"do_normalize": True, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(rule | normal))
    return folder


@pytest.mark.skipif(not FULL, reason="takes minutes; LEPTON_REAL_DATA=full asks for it")
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_few_epochs_begin_to_find_red_cells(shared_data: Path, tmp_path: Path) -> None:
    """Heads that start from nothing need a hundred epochs and more; eight got to 0.047 [0.034, 0.063]."""
    torch.set_num_threads(os.cpu_count() or 1)
    folder = on_mobilenet(tmp_path / "detector", shared_data / "model-mobilenetv2_100")
    data = lab.data(str(shared_data / "detect-cells"))
    run = lab.load_model(str(folder)).train(data, epochs=8, lr=4e-4, batch_size=4, layer_decay=0.25)
    torch.set_num_threads(1)
    assert run.model.evaluate(data)["map50"] >= 0.02


def test_blood_cells_load_and_a_short_epoch_is_measured(shared_data: Path, tmp_path: Path) -> None:
    data = lab.data(str(shared_data / "detect-cells"))
    assert (len(data.train), len(data.val), data.classes) == (60, 20, ("Platelets", "RBC", "WBC"))
    assert sum(len(sample.label) for sample in data.train) == 834
    assert sum(len(sample.label) for sample in data.val) == 267
    folder = tiny_folder(tmp_path / "tiny", "yolos")
    run = lab.load_model(str(folder)).train(data, epochs=1, learning_rate=1e-3)
    report = run.model.evaluate(data)
    assert run.state == "done" and 0 <= report["map50"] <= 1 and report["n"] == 20
