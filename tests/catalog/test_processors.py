# SPDX-License-Identifier: BSD-3-Clause
"""Processors as data: the same pixels as transformers itself makes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import transformers
from PIL import Image

from lepton_lab.catalog.preprocessing import from_timm
from lepton_lab.catalog.processors import complete, flips, from_processor, read_processor, resized
from lepton_lab.errors import LeptonError
from lepton_lab.runtime.image import normalize, prepare

MEAN, STD = [0.48, 0.45, 0.40], [0.26, 0.25, 0.27]
# Even differences between resized and cropped sides: libraries disagree on where an odd pixel goes.
IMAGE = (
    np.asarray(Image.effect_noise((80, 120), 90).convert("RGB")) // 2
    + np.arange(3, dtype=np.uint8) * 30
)

CASES: list[dict[str, Any]] = [
    {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 40}, "resample": 2},
    {"image_processor_type": "ViTFeatureExtractor", "size": 32, "resample": 3},
    {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 48}, "crop_size": {"height": 32, "width": 32}, "image_mean": MEAN, "image_std": STD},
    {"image_processor_type": "DeiTImageProcessor", "size": {"height": 48, "width": 48}, "crop_size": {"height": 32, "width": 32}, "do_center_crop": True},
    {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 56}, "crop_pct": 0.875},
    {"image_processor_type": "ConvNextFeatureExtractor", "size": {"shortest_edge": 384}, "crop_pct": 0.875},
    {"image_processor_type": "EfficientNetImageProcessor", "size": {"height": 32, "width": 32}, "include_top": True, "image_mean": MEAN, "image_std": STD},
    {"image_processor_type": "EfficientNetImageProcessor", "size": {"height": 32, "width": 32}, "include_top": False, "rescale_offset": True, "rescale_factor": 1 / 127.5},
    {"image_processor_type": "MobileViTImageProcessor", "size": {"shortest_edge": 36}, "crop_size": {"height": 32, "width": 32}},
    {"image_processor_type": "LevitImageProcessor", "size": {"shortest_edge": 56}, "crop_size": {"height": 56, "width": 56}},
    {"image_processor_type": "PoolFormerImageProcessor", "size": {"shortest_edge": 48}, "crop_pct": 0.75, "crop_size": {"height": 48, "width": 48}},
    {"image_processor_type": "MobileNetV1ImageProcessor", "size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}},
    {"image_processor_type": "SegformerImageProcessor", "size": {"height": 32, "width": 32}, "do_normalize": False},
]  # fmt: skip


@pytest.mark.parametrize(
    "raw", CASES, ids=lambda raw: f"{raw['image_processor_type']}-{raw['size']}"
)
def test_the_data_gives_the_pixels_of_the_processor_itself(raw: dict[str, Any]) -> None:
    found = complete(raw)
    rule = from_processor(found)
    ours = normalize(prepare(IMAGE, rule)[None], rule)[0]
    ours = ours[::-1] if flips(found) else ours
    name = found["image_processor_type"] + "Pil"
    settings = {key: value for key, value in found.items() if key != "image_processor_type"}
    theirs = getattr(transformers, name)(**settings)(Image.fromarray(IMAGE), return_tensors="np")[
        "pixel_values"
    ][0]
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 1e-5


def test_the_data_survives_json_and_a_second_reading() -> None:
    for raw in CASES:
        found = complete(raw)
        assert complete(json.loads(json.dumps(found))) == found


def test_another_size_keeps_the_share_that_is_cropped() -> None:
    rule = from_processor(resized(complete(CASES[2]), 64))
    assert rule["resize"]["size"] == [96, 96] and rule["crop"]["size"] == [64, 64]
    assert from_processor(resized(complete(CASES[4]), 112))["crop"]["size"] == [112, 112]
    assert from_processor(resized(complete(CASES[9]), 28))["crop"]["size"] == [28, 28]


@pytest.mark.parametrize(
    "raw",
    [
        {"image_processor_type": "DonutImageProcessor"},
        {"image_processor_type": "ImageGPTImageProcessor"},
        {},
        {"image_processor_type": "ViTImageProcessor", "do_pad": True},
        {"image_processor_type": "ViTImageProcessor", "size": "big"},
    ],
)
def test_what_is_not_understood_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(LeptonError, match="cannot be prepared"):
        from_processor(complete(raw))


def test_a_processor_file_of_the_newer_layout_is_found(tmp_path) -> None:
    assert read_processor(tmp_path) is None
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": CASES[0]}))
    assert read_processor(tmp_path) == CASES[0]
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(LeptonError, match="no valid JSON"):
        read_processor(tmp_path)


def test_the_crop_modes_of_timm_become_steps() -> None:
    base = {
        "input_size": (3, 224, 224),
        "crop_pct": 0.9,
        "mean": MEAN,
        "std": STD,
        "interpolation": "bilinear",
    }
    squash = from_timm(base | {"crop_mode": "squash"})
    assert squash["resize"] == {"mode": "exact", "size": [248, 248], "interpolation": "bilinear"}
    border = from_timm(base | {"crop_mode": "border"})
    assert border["resize"]["mode"] == "longest"
    assert border["crop"] == {"mode": "pad", "size": [224, 224], "fill": [122, 115, 102]}
    assert from_timm(base, image_size=64)["resize"]["size"] == [71, 71]
    assert from_timm({"input_size": (3, 1024, 768), "crop_pct": 1.0})["crop"]["size"] == [1024, 768]
