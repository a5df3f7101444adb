# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from lepton_lab.datasets import ImageDataset, order, seed_sample, training_transform
from lepton_lab.datasets.splits import Split
from lepton_lab.errors import SpecError
from lepton_lab.runtime.image import prepare
from tests.datasets.trees import folder, picture

PREPROCESSING = {
    "kind": "image", "channels": 3, "rescale": 1 / 255, "mean": [0.5] * 3, "std": [0.5] * 3,
    "resize": {"mode": "shortest", "size": [36, 36], "interpolation": "bicubic"},
    "crop": {"mode": "center", "size": [32, 32], "fill": 0},
}  # fmt: skip
EXACT = {
    **PREPROCESSING,
    "resize": {"mode": "exact", "size": [20, 28], "interpolation": "bilinear"},
    "crop": None,
}
GREY = {**PREPROCESSING, "channels": 1, "mean": [0.5], "std": [0.5]}
IMAGE = np.asarray(picture(1, (90, 60)))
TINY = np.asarray(picture(2, (8, 8)))


def once(transform, image, seed=0, epoch=0, index=0):
    seed_sample(seed, epoch, index)
    return transform(image)


def test_none_is_what_evaluation_does():
    transform = training_transform("none", PREPROCESSING)
    np.testing.assert_array_equal(transform(IMAGE), prepare(IMAGE, PREPROCESSING))


@pytest.mark.parametrize("strength", ["none", "light", "strong"])
@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize(
    "image", [IMAGE, TINY, IMAGE[:1], IMAGE[:, :1], np.zeros((1, 1, 3), np.uint8)]
)
def test_any_size_becomes_the_models_size(strength, flip, image):
    for rules, shape in ((PREPROCESSING, (32, 32, 3)), (EXACT, (20, 28, 3)), (GREY, (32, 32, 1))):
        found = once(training_transform(strength, rules, flip=flip), image)
        assert found.shape == shape and found.dtype == np.uint8


@pytest.mark.parametrize(
    "interpolation", ["bicubic", "bilinear", "nearest", "lanczos", "hamming", "box"]
)
def test_every_interpolation_of_the_preprocessing_works(interpolation):
    rules = {**PREPROCESSING, "resize": {**PREPROCESSING["resize"], "interpolation": interpolation}}
    assert once(training_transform("light", rules), IMAGE).shape == (32, 32, 3)


@pytest.mark.parametrize("strength", ["light", "strong"])
@pytest.mark.parametrize("image", [IMAGE, TINY])
@pytest.mark.parametrize("flip", [True, False])
def test_pixels_are_a_function_of_seed_epoch_and_index(strength, image, flip):
    transform = training_transform(strength, PREPROCESSING, flip=flip)
    same = [once(transform, image, 1, 2, 3).tobytes() for _ in range(2)]
    others = {
        once(transform, image, *key).tobytes()
        for key in ((1, 2, 4), (1, 3, 3), (2, 2, 3), (1, 4, 3))
    }
    assert same[0] == same[1]
    assert len(others | {same[0]}) == 5


def test_unpickled_transforms_do_the_same():
    transform = training_transform("strong", PREPROCESSING)
    copy = pickle.loads(pickle.dumps(transform))
    for index in range(8):
        np.testing.assert_array_equal(
            once(transform, IMAGE, index=index), once(copy, IMAGE, index=index)
        )


def test_the_input_is_left_as_it_was():
    image = IMAGE.copy()
    image.flags.writeable = False
    for strength in ("none", "light", "strong"):
        once(training_transform(strength, PREPROCESSING), image)
    np.testing.assert_array_equal(image, IMAGE)


def half_and_half(side):
    """Dark on the left, bright on the right."""
    image = np.zeros((side, side, 3), np.uint8)
    image[:, side // 2 :] = 255
    return image


def mirrored(transform, image, count=60):
    """In how many of the draws the bright half has come to the left."""
    turned = 0
    for index in range(count):
        found = once(transform, image, index=index).mean(axis=(0, 2))
        turned += found[: len(found) // 2].mean() > found[len(found) // 2 :].mean()
    return turned


@pytest.mark.parametrize("side", [8, 64])
def test_pictures_are_mirrored_half_of_the_time_unless_that_changes_their_class(side):
    image = half_and_half(side)
    assert 15 < mirrored(training_transform("light", PREPROCESSING, flip=True), image) < 45
    assert mirrored(training_transform("light", PREPROCESSING, flip=False), image) == 0


def test_light_keeps_half_of_a_photo_or_more():
    """A picture whose pixels tell their place shows how much of it was kept."""
    height, width = 200, 200
    places = np.zeros((height, width, 3), np.uint8)
    places[..., 0], places[..., 1] = np.arange(width), np.arange(height)[:, None]
    transform = training_transform("light", PREPROCESSING, flip=False)
    crop = training_transform("light", PREPROCESSING, flip=True)
    for index in range(40):
        found = once(crop, places, index=index).astype(int)
        kept = (np.ptp(found[..., 0]) / width) * (np.ptp(found[..., 1]) / height)
        assert kept > 0.4
    assert once(transform, places).shape == (32, 32, 3)


def test_a_tiny_picture_is_hardly_cropped():
    image = np.zeros((8, 8, 3), np.uint8)
    image[2:6, 2:6] = 255
    light = training_transform("light", PREPROCESSING, flip=False)
    plain = prepare(image, PREPROCESSING).mean()
    for index in range(30):
        assert abs(once(light, image, index=index).mean() - plain) < 0.35 * plain


def test_what_comes_in_from_outside_has_the_color_of_the_edge():
    image = np.full((8, 8, 3), 200, np.uint8)
    light = training_transform("light", PREPROCESSING, flip=False)
    for index in range(20):
        assert once(light, image, index=index).min() >= 198


def test_strong_changes_more_than_light():
    def change(strength):
        transform = training_transform(strength, PREPROCESSING, flip=False)
        plain = prepare(IMAGE, PREPROCESSING).astype(float)
        return np.mean([np.abs(once(transform, IMAGE, index=i) - plain).mean() for i in range(40)])

    assert change("strong") > change("light") > 0


def test_a_misspelt_strength_is_answered():
    with pytest.raises(SpecError, match="Did you mean strong"):
        training_transform("strog", PREPROCESSING)


class Items(torch.utils.data.Dataset):
    """What a loader worker does: seed for the sample, read it, augment it."""

    def __init__(self, split: Split, epoch: int) -> None:
        self.split, self.epoch = split, epoch
        self.transform = training_transform("strong", PREPROCESSING)

    def __getitem__(self, index: int) -> tuple[int, np.ndarray]:
        seed_sample(7, self.epoch, index)
        return index, self.transform(self.split.read_for_training(index, 32))

    def __len__(self) -> int:
        return len(self.split)


def pixels_by_index(split, workers, epoch, indexes):
    loader = torch.utils.data.DataLoader(
        Items(split, epoch), batch_size=4, sampler=indexes, num_workers=workers, collate_fn=list,
        multiprocessing_context="fork" if workers else None,
    )  # fmt: skip
    return {index: image.tobytes() for batch in loader for index, image in batch}


def test_pixels_do_not_depend_on_workers_order_or_cache(tmp_path):
    ds = ImageDataset.load_from_folder(folder(tmp_path, cat=12, dog=12), val=0, test=0)
    forward = list(range(len(ds.train)))
    alone = pixels_by_index(ds.train, 0, 1, forward)
    assert pixels_by_index(ds.train, 2, 1, order(1, 1, len(forward)).tolist()) == alone
    ds.cache.clear()
    assert pixels_by_index(ds.train, 0, 1, forward[::-1]) == alone
    later = pixels_by_index(ds.train, 2, 2, forward)
    assert all(later[index] != alone[index] for index in forward)
