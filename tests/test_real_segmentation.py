# SPDX-License-Identifier: BSD-3-Clause
"""A real DeepLab, trained on Pascal VOC: it loads as transformers loads it, knows what people wear, and learns on."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModelForSemanticSegmentation

import lepton_lab as lab
from lepton_lab.runtime.image import normalize, prepare
from tests.datasets.mask_trees import CLASSES, drawing, save

pytestmark = pytest.mark.shared

FULL = os.environ.get("LEPTON_REAL_DATA") == "full"


@pytest.fixture(scope="module")
def deeplab(shared_data: Path) -> Path:
    return shared_data / "model-hf-deeplab-mobilenet_v2_0.5-voc"


def test_its_masks_are_those_of_transformers(deeplab: Path, shared_data: Path) -> None:
    model = lab.load_model(str(deeplab))
    assert model.task == "semantic-segmentation" and len(model.classes) == 21
    assert model.preprocessing["mean"] == [0.5] * 3
    photo = sorted((shared_data / "clothing10" / "val" / "shirt").glob("*.jpg"))[1]
    pixels = np.asarray(Image.open(photo).convert("RGB"))
    rule = model.preprocessing
    given = torch.from_numpy(normalize(prepare(pixels, rule)[None], rule))
    reference = AutoModelForSemanticSegmentation.from_pretrained(deeplab).eval()
    with torch.no_grad():
        logits = reference(given).logits
    # Its grid is a sixteenth of the input; the mask has the size of the photo.
    assert logits.shape == (1, 21, 33, 33)
    large = torch.nn.functional.interpolate(logits, size=pixels.shape[:2], mode="bilinear")
    wanted = large[0].argmax(0).numpy()
    found = model.predict(str(photo)).mask
    assert found.shape == pixels.shape[:2] and (found != wanted).mean() < 1e-3


def test_it_sees_the_person_in_what_people_wear(deeplab: Path, shared_data: Path) -> None:
    model = lab.load_model(str(deeplab))
    folder = shared_data / "clothing10" / "val"
    files = [f for kind in ("outwear", "shirt") for f in sorted((folder / kind).glob("*.jpg"))[1:5]]
    answers = model.predict([str(file) for file in files])
    things = [{k: v for k, v in a.coverage.items() if k != "background"} for a in answers]
    seen = [max(thing, key=thing.__getitem__) for thing in things if sum(thing.values()) > 0.1]
    assert len(seen) >= 5 and seen.count("person") >= 0.9 * len(seen), seen


def shapes(root: Path, count: int) -> Path:
    for i in range(count):
        pixels, mask = drawing(i, (128, 112))
        save(root / "images" / f"{i:03d}.png", pixels)
        save(root / "masks" / f"{i:03d}.png", mask)
    (root / "classes.txt").write_text("\n".join(CLASSES), "utf-8")
    return root


def test_it_learns_drawn_shapes(deeplab: Path, tmp_path: Path) -> None:
    """With the BatchNorm momentum and the dropout of the checkpoint's own configuration it stays at 0.29."""
    data = lab.data(str(shapes(tmp_path, 40 if not FULL else 120)))
    model = lab.load_model(str(deeplab), image_size=128)
    assert len(model.built.notes) == 2
    options = {
        "epochs": 15 if FULL else 5,
        "batch_size": 4,
        "label_smoothing": 0.0,
        "device": "cpu",
    }
    run = model.train(data, **options)
    assert run.state == "done"
    # The background alone would be 0.28.
    assert model.evaluate(data)["mean_iou"] > (0.8 if FULL else 0.6)
