# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pickle

import numpy as np
import pytest

from lepton_lab.datasets.boxes_augment import BoxTransform, seen
from lepton_lab.datasets.sampler import seed_sample
from lepton_lab.errors import SpecError

RULE = {
    "kind": "image", "channels": 3, "crop": None, "mean": [0.5, 0.5, 0.5],
    "resize": {"mode": "exact", "size": [96, 120], "interpolation": "bilinear"},
}  # fmt: skip
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
BOXES = np.array([[0.1, 0.1, 0.3, 0.4], [0.5, 0.2, 0.8, 0.5], [0.2, 0.6, 0.6, 0.9]], np.float32)
CLASSES = np.arange(3)


def picture() -> np.ndarray:
    """A black picture with one box of each pure colour."""
    image = np.zeros((200, 300, 3), np.uint8)
    for (left, top, right, bottom), colour in zip(BOXES, COLOURS, strict=True):
        image[round(top * 200) : round(bottom * 200), round(left * 300) : round(right * 300)] = (
            colour
        )
    return image


def drawn(image: np.ndarray, kind: int) -> np.ndarray:
    """Where the colour of a class is, as corners in shares of the picture."""
    others = [c for c in range(3) if c != kind]
    there = (image[..., kind].astype(int) - image[..., others].max(axis=-1)) > 100
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    height, width = there.shape
    return np.array([columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height])  # fmt: skip


@pytest.mark.parametrize("strength", ["none", "light", "strong"])
def test_boxes_stay_on_what_they_enclose(strength):
    transform, moved, sizes = BoxTransform(strength, RULE), 0, set()
    for index in range(60):
        seed_sample(1, 0, index)
        image, corners, classes = transform(picture(), BOXES, CLASSES)
        assert image.shape == (96, 120, 3) and image.dtype == np.uint8
        assert corners.dtype == np.float32 and len(corners) == len(classes) >= 1
        assert (corners >= 0).all() and (corners <= 1).all()
        for box, kind in zip(corners, classes, strict=True):
            np.testing.assert_allclose(box, drawn(image, kind), atol=0.02)
        moved += not np.array_equal(corners, BOXES)
        sizes.add(len(corners))
    assert moved == 0 if strength == "none" else moved > 20
    assert strength != "none" or sizes == {3}


def test_the_same_seed_gives_the_same_pixels_and_boxes():
    transform = pickle.loads(pickle.dumps(BoxTransform("strong", RULE)))
    made = []
    for index in (5, 5, 6):
        seed_sample(3, 2, index)
        made.append(transform(picture(), BOXES, CLASSES))
    np.testing.assert_array_equal(made[0][0], made[1][0])
    np.testing.assert_array_equal(made[0][1], made[1][1])
    assert not np.array_equal(made[0][0], made[2][0])


def test_without_flip_left_stays_left():
    transform = BoxTransform("light", RULE, flip=False)
    for index in range(30):
        seed_sample(1, 0, index)
        _, corners, classes = transform(picture(), BOXES, CLASSES)
        where = dict(zip(classes.tolist(), corners[:, 0], strict=True))
        if {0, 1} <= set(where):
            assert where[0] < where[1]


def test_a_box_that_is_mostly_cut_off_is_gone_and_one_that_is_cut_ends_at_the_edge():
    corners, classes = seen(BOXES, CLASSES, (0.25, 0.0, 1.0, 1.0))
    assert classes.tolist() == [1, 2]
    np.testing.assert_allclose(corners[1], [0, 0.6, (0.6 - 0.25) / 0.75, 0.9], atol=1e-6)


def test_pictures_without_boxes_go_through():
    transform = BoxTransform("strong", RULE)
    for index in range(10):
        seed_sample(1, 0, index)
        _, corners, classes = transform(picture(), BOXES[:0], CLASSES[:0])
        assert corners.shape == (0, 4) and classes.shape == (0,)


def test_an_unknown_strength_is_refused():
    with pytest.raises(SpecError, match="ligth"):
        BoxTransform("ligth", RULE)
