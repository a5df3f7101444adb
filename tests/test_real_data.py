# SPDX-License-Identifier: BSD-3-Clause
"""Real photos and a real ImageNet-pretrained model: the accuracy that the sets' own pages give is reached.

That takes minutes, so it is asked for with LEPTON_REAL_DATA=full; otherwise one short epoch must learn a lot.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

import lepton_lab as lab

pytestmark = pytest.mark.shared


FULL = os.environ.get("LEPTON_REAL_DATA") == "full"


@pytest.mark.skipif(not FULL, reason="takes minutes; LEPTON_REAL_DATA=full asks for it")
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_transfer_learning_on_clothes_reaches_the_baseline(shared_data: Path) -> None:
    torch.set_num_threads(os.cpu_count() or 1)
    data = lab.ImageDataset.load_from_folder(shared_data / "clothing10")
    model = lab.load_model(str(shared_data / "model-mobilenetv2_100"))
    run = model.train(data, epochs=5)
    torch.set_num_threads(1)
    assert run.state == "done"
    assert model.evaluate(data)["accuracy"] >= 0.81


def test_one_short_epoch_on_clothes_learns_a_lot(shared_data: Path) -> None:
    """Ten classes of as many pictures: guessing is right in a tenth."""
    data = lab.ImageDataset.load_from_folder(shared_data / "clothing10")
    model = lab.load_model(str(shared_data / "model-mobilenetv2_100"), image_size=96)
    run = model.train(data, epochs=1, freeze="backbone", label_smoothing=0.0)
    assert run.state == "done"
    assert model.evaluate(data)["accuracy"] >= 0.3


def test_the_imagenet_model_knows_clothes(shared_data: Path) -> None:
    model = lab.load_model(str(shared_data / "model-mobilenetv2_100"))
    files = sorted((shared_data / "clothing10").glob("*/t-shirt/*.jpg"))[:12]
    labels = [prediction.label.lower() for prediction in model.predict(files)]
    assert (
        sum("jersey" in label or "shirt" in label or "sweatshirt" in label for label in labels) >= 6
    )
