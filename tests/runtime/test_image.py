# SPDX-License-Identifier: BSD-3-Clause
"""The preprocessing equals timm's and torchvision's, pixel for pixel."""

import math

import numpy as np
import pytest
from PIL import Image

from lepton_lab.runtime import image as runtime_image
from lepton_lab.runtime.image import normalize, prepare, resized_size

SIZES = [(1, 1), (5, 400), (97, 180), (640, 480), (33, 32), (400, 5)]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def picture(height, width, seed=0):
    generator = np.random.Generator(np.random.Philox(seed))
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


def rule(mode, size, interpolation, crop_pct, channels=3):
    """The preprocessing that a catalogue writes for a timm model."""
    scale = [math.floor(side / crop_pct) for side in size]
    fill = [round(255 * value) for value in MEAN] if mode == "border" else 0
    resize = {"center": "shortest", "squash": "exact", "border": "longest"}[mode]
    return {
        "kind": "image",
        "channels": channels,
        "resize": {"mode": resize, "size": scale, "interpolation": interpolation},
        "crop": {"mode": "pad" if mode == "border" else "center", "size": list(size), "fill": fill},
        "rescale": 1 / 255,
        "mean": list(MEAN),
        "std": list(STD),
    }


def timm_pixels(image, mode, size, interpolation, crop_pct):
    from timm.data import create_transform

    transform = create_transform(
        input_size=(3, *size), is_training=False, interpolation=interpolation, mean=MEAN, std=STD,
        crop_pct=crop_pct, crop_mode=mode, normalize=False,
    )  # fmt: skip
    return transform(Image.fromarray(image)).numpy().transpose(1, 2, 0)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("crop_pct", [0.875, 0.9, 0.95, 1.0])
@pytest.mark.parametrize("mode", ["center", "squash", "border"])
def test_pixels_are_those_of_timms_evaluation_transform(mode, crop_pct, interpolation):
    for size in ((96, 96), (64, 112)):
        for height, width in SIZES:
            if mode == "border" and min(height, width) * max(size) / max(height, width) < 1:
                continue  # timm itself rounds the short side to zero there and fails
            image = picture(height, width)
            found = prepare(image, rule(mode, size, interpolation, crop_pct))
            wanted = timm_pixels(image, mode, size, interpolation, crop_pct)
            assert found.dtype == np.uint8 and found.shape == (*size, 3)
            np.testing.assert_array_equal(found, wanted, f"{height}x{width} to {size}")


@pytest.mark.parametrize("interpolation", ["nearest", "box", "hamming", "lanczos"])
def test_every_interpolation_is_the_one_of_torchvision(interpolation):
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

    mode = InterpolationMode(interpolation)
    for height, width in [(61, 45), (30, 97), (224, 224)]:
        image = picture(height, width)
        transform = Compose([Resize(51, interpolation=mode), CenterCrop((48, 47))])
        resize = {"mode": "shortest", "size": [51, 51], "interpolation": interpolation}
        crop = {"mode": "center", "size": [48, 47], "fill": 0}
        found = prepare(image, {"channels": 3, "resize": resize, "crop": crop})
        np.testing.assert_array_equal(found, np.asarray(transform(Image.fromarray(image))))


def test_a_crop_larger_than_the_picture_pads_as_torchvision_does():
    from torchvision.transforms import CenterCrop

    for shape in [(7, 10), (10, 7), (3, 3), (40, 5)]:
        image = picture(*shape)
        crop = {"mode": "center", "size": [12, 9], "fill": 0}
        found = prepare(image, {"channels": 3, "resize": None, "crop": crop})
        wanted = np.asarray(CenterCrop((12, 9))(Image.fromarray(image)))
        np.testing.assert_array_equal(found, wanted)


def test_without_resize_and_crop_the_pixels_stay():
    image = picture(7, 9)
    found = prepare(image, {"channels": 3, "resize": None, "crop": None})
    np.testing.assert_array_equal(found, image)


def test_one_channel_is_the_grey_of_pillow_before_resizing():
    image = picture(20, 30)
    found = prepare(image, rule("squash", (8, 8), "bilinear", 1.0, channels=1))
    grey = Image.fromarray(image).convert("L").resize((8, 8), Image.Resampling.BILINEAR)
    assert found.shape == (8, 8, 1)
    np.testing.assert_array_equal(found[:, :, 0], np.asarray(grey))


def test_other_channel_counts_are_refused_with_a_reason():
    with pytest.raises(runtime_image.ImageError, match="4 channels") as caught:
        prepare(picture(4, 4), rule("squash", (8, 8), "bilinear", 1.0, channels=4))
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize("shape", [(1, 5000), (5000, 1), (2, 3001)])
def test_a_thin_strip_is_resized_only_where_the_crop_keeps_it(shape, monkeypatch):
    image = picture(*shape)
    preprocessing = rule("center", (32, 32), "bicubic", 0.875)
    whole = prepare(image, preprocessing)
    monkeypatch.setattr(runtime_image, "_LARGEST_RESIZE", 1)
    part = prepare(image, preprocessing)
    assert part.shape == whole.shape
    assert np.abs(part.astype(int) - whole.astype(int)).max() <= 1


def test_a_strip_of_five_thousand_pixels_fits_in_memory():
    found = prepare(picture(1, 5000), rule("center", (224, 224), "bicubic", 0.875))
    assert found.shape == (224, 224, 3)


def test_sizes_never_round_to_zero():
    assert resized_size((1, 4000), {"mode": "longest", "size": [64, 64]}) == (1, 64)


def test_normalize_equals_to_tensor_and_normalize():
    from torchvision.transforms import Compose, Normalize, ToTensor

    image = picture(9, 11)
    wanted = Compose([ToTensor(), Normalize(MEAN, STD)])(Image.fromarray(image)).numpy()
    found = normalize(np.stack([image, image]), rule("center", (9, 11), "bicubic", 1.0))
    assert found.dtype == np.float32 and found.shape == (2, 3, 9, 11)
    np.testing.assert_allclose(found[1], wanted, rtol=0, atol=1e-6)
