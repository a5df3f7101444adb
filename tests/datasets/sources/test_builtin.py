# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from lepton_lab.datasets import data
from tests.datasets.trees import labels


def test_digits_are_scikit_learns_pixels_for_pixel():
    ds = data("digits")
    source = load_digits()
    for split in ds.splits():
        for index in range(0, len(split), 50):
            number = int(split[index].id.removeprefix("digit-"))
            expected = np.rint(source.images[number] * 255 / 16).astype(np.uint8)
            np.testing.assert_array_equal(
                split.read(index), np.repeat(expected[..., None], 3, axis=-1)
            )
            assert labels(split)[index] == str(source.target[number])


def test_digits_must_not_be_mirrored_and_are_found_by_any_case():
    assert not data("Digits").flip_safe
    assert data("digits").classes == tuple("0123456789")


def test_the_split_of_digits_is_the_same_everywhere():
    ds = data("digits")
    assert (len(ds.train), len(ds.val), len(ds.test)) == (1257, 270, 270)
    assert ds.fingerprint() == data("digits").fingerprint() != data("digits", seed=1).fingerprint()
