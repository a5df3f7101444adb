# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np
import pytest

from lepton_lab.datasets import ImageDataset, data
from lepton_lab.errors import DataError
from tests.datasets.trees import labels, picture, problem, three_lines

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (12, 9, 7, 3), dtype=np.uint8)
NAMES = ["cat", "dog"] * 6


def whole(ds: ImageDataset) -> np.ndarray:
    """All images in the order in which they were given."""
    found = {s.id: split.read(i) for split in ds.splits() for i, s in enumerate(split)}
    return np.stack([found[name] for name in sorted(found)])


def test_arrays_come_back_as_they_are():
    ds = data((PIXELS, NAMES))
    assert ds.classes == ("cat", "dog") and ds.name == "arrays"
    np.testing.assert_array_equal(whole(ds), PIXELS)


def test_a_mapping_and_the_constructor_say_the_same():
    a = data({"images": PIXELS, "labels": NAMES})
    b = ImageDataset.from_arrays(PIXELS, NAMES)
    assert a.fingerprint() == b.fingerprint() == data((PIXELS, NAMES)).fingerprint()


def test_channels_first_floats_ints_and_booleans_mean_the_same_pixels():
    import torch

    binary = (PIXELS > 127).astype(np.uint8) * np.uint8(255)
    np.testing.assert_array_equal(whole(data((np.moveaxis(PIXELS, -1, 1), NAMES))), PIXELS)
    np.testing.assert_array_equal(
        whole(data((torch.from_numpy(PIXELS).permute(0, 3, 1, 2), NAMES))), PIXELS
    )
    np.testing.assert_array_equal(whole(data((PIXELS.astype(np.float32) / 255, NAMES))), PIXELS)
    np.testing.assert_array_equal(whole(data((PIXELS.astype(np.int64), NAMES))), PIXELS)
    np.testing.assert_array_equal(whole(data((PIXELS > 127, NAMES))), binary)


def test_grey_images_get_three_equal_channels():
    for grey in (PIXELS[..., 0], PIXELS[..., :1]):
        found = whole(data((grey, NAMES)))
        np.testing.assert_array_equal(found, np.repeat(PIXELS[..., :1], 3, axis=-1))


def test_transparency_is_laid_over_white():
    clear = np.concatenate([PIXELS, np.zeros((12, 9, 7, 1), np.uint8)], axis=-1)
    assert (whole(data((clear, NAMES), dedupe=False)) == 255).all()


def test_pictures_of_different_sizes_in_a_list():
    pictures = [picture(i, (10 + i, 12)) for i in range(12)]
    ds = data((pictures, NAMES))
    assert {image.shape[1] for split in ds.splits() for image in [split.read(0)]} <= set(
        range(10, 22)
    )
    np.testing.assert_array_equal(ds.train.read(0), np.asarray(pictures[int(ds.train[0].id)]))


def test_numbers_with_names_and_the_order_of_the_names():
    ds = ImageDataset.from_arrays(PIXELS, np.arange(12) % 2, classes=["zebra", "ant"])
    assert ds.classes == ("zebra", "ant")
    for split in ds.splits():
        assert labels(split) == [("zebra", "ant")[int(s.id) % 2] for s in split]


def test_numbers_without_names_are_sorted_by_value():
    ds = ImageDataset.from_arrays(PIXELS, [9, 10] * 6)
    assert ds.classes == ("9", "10")
    assert ImageDataset.from_arrays(PIXELS, np.array([0.0, 1.0] * 6)).classes == ("0", "1")


def test_missing_labels_are_left_out_and_said():
    ds = data((PIXELS, [None, float("nan"), *NAMES[2:]]))
    assert problem(ds, "unlabeled").ids == ("00000", "00001")


def test_later_changes_of_the_users_array_change_nothing():
    mine = PIXELS.copy()
    ds = data((mine, NAMES))
    before = whole(ds)
    mine[:] = 0
    np.testing.assert_array_equal(whole(ds), before)
    assert mine.flags.writeable


@pytest.mark.parametrize(
    ("images", "names", "says"),
    [
        (PIXELS, NAMES[:5], "12 images but 5 labels"),
        (PIXELS.astype(np.float32), NAMES, "float32 from 0 to 255"),
        (PIXELS.astype(np.int32) * 300, NAMES, "int32"),
        (PIXELS.astype(np.complex64), NAMES, "complex64"),
        (PIXELS[0, 0], ["a"] * 7, "shape"),
        (np.zeros((12, 5, 9, 7)), NAMES, "shape"),
        (PIXELS, np.eye(12), "list, not one class"),
    ],
)
def test_arrays_that_would_be_guesswork_are_refused(images, names, says):
    with pytest.raises(DataError, match=says) as caught:
        data((images, names))
    three_lines(caught.value)


@pytest.mark.parametrize("label", [2, -1, "horse"])
def test_a_label_that_is_no_class_is_named(label):
    with pytest.raises(DataError, match=repr(label)):
        ImageDataset.from_arrays(PIXELS, [label, *([0, 1] * 6)[1:]], classes=["cat", "dog"])
