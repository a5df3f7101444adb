# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image

from lepton_lab.datasets.masks_augment import MaskTransform, resized_mask
from lepton_lab.datasets.sampler import seed_sample
from lepton_lab.errors import SpecError
from lepton_lab.runtime.image import prepare
from tests.datasets.mask_trees import COLORS, drawing

RULE = {
    "channels": 3, "resize": {"mode": "exact", "size": [64, 80], "interpolation": "bilinear"},
    "crop": None, "mean": [0.5] * 3,
}  # fmt: skip


def test_none_is_what_evaluation_does() -> None:
    pixels, mask = drawing(1, (120, 90))
    image, label = MaskTransform("none", RULE)(pixels, mask)
    np.testing.assert_array_equal(image, prepare(pixels, RULE))
    np.testing.assert_array_equal(label, resized_mask(mask, (64, 80)))
    assert label.shape == (64, 80) and set(np.unique(label)) <= {0, 1, 2}


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_the_mask_moves_with_the_picture(strength: str) -> None:
    """Every class has a color, so the color of a pixel says what its mask must say."""
    pixels, mask = drawing(2, (160, 120))
    pixels = np.array(COLORS, np.uint8)[mask]
    change = MaskTransform(strength, RULE)
    agreeing, kinds = [], set()
    for i in range(12):
        seed_sample(3, 0, i)
        image, label = change(pixels, mask)
        assert image.shape == (64, 80, 3) and label.shape == (64, 80)
        kinds |= set(np.unique(label).tolist())
        known = label != 255
        shares = image.astype(float) / np.maximum(image.sum(axis=2, keepdims=True), 1)
        wanted = np.array(COLORS, float) / np.array(COLORS, float).sum(axis=1, keepdims=True)
        nearest = np.abs(shares[:, :, None] - wanted).sum(axis=3).argmin(axis=2)
        agreeing.append((nearest == label)[known].mean())
    assert min(agreeing) > 0.93, agreeing
    assert kinds == ({0, 1, 2} if strength == "light" else {0, 1, 2, 255})


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not() -> None:
    pixels, mask = drawing(3)
    change = pickle.loads(pickle.dumps(MaskTransform("strong", RULE)))
    found = []
    for index in (7, 7, 8):
        seed_sample(1, 2, index)
        found.append(change(pixels, mask))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])
    assert (found[0][0] != found[2][0]).any()


def test_a_reduced_picture_and_a_whole_mask_stay_together() -> None:
    mask = np.zeros((200, 300), np.uint8)
    mask[50:150, 100:200] = 1
    whole = np.repeat(mask[..., None] * 255, 3, axis=2)
    small = np.asarray(Image.fromarray(whole).resize((75, 50)))
    change = MaskTransform("light", RULE)
    for i in range(6):
        seed_sample(5, 0, i)
        image, label = change(small, mask)
        assert ((image[..., 0] > 127) == (label == 1)).mean() > 0.97


def test_where_a_mirror_changes_the_class_nothing_is_mirrored() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[:, 50:] = 1
    image = np.repeat(mask[..., None], 3, axis=2)
    left = []
    for flip in (True, False):
        change = MaskTransform("light", RULE, flip)
        hits = 0
        for i in range(20):
            seed_sample(6, 0, i)
            hits += int((change(image, mask)[1][:, :10] == 1).any())
        left.append(hits)
    assert left[0] > 0 and left[1] == 0


def test_an_unknown_strength_is_refused() -> None:
    with pytest.raises(SpecError, match="lite"):
        MaskTransform("lite", RULE)
