# SPDX-License-Identifier: BSD-3-Clause
"""Data that lived in memory comes back from its copy with the same bits, labels, splits and fingerprint."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lepton_lab.datasets import ImageDataset, data, handover
from lepton_lab.errors import StorageError


def _pictures(kind: str) -> list[object] | np.ndarray:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (24, 10, 12, 3), dtype=np.uint8)
    if kind == "colour":
        return pixels
    if kind == "grey floats":
        return random.random((24, 9, 9))
    if kind == "pictures":
        return [
            Image.fromarray(p).convert(("RGB", "L", "RGBA")[i % 3]) for i, p in enumerate(pixels)
        ]
    encoded = []
    for p in pixels:
        stream = io.BytesIO()
        Image.fromarray(p).save(stream, "JPEG")
        encoded.append(stream.getvalue())
    return encoded


@pytest.mark.parametrize("kind", ["colour", "grey floats", "pictures", "encoded"])
def test_the_copy_is_the_data_set(tmp_path: Path, kind: str) -> None:
    labels = ["a<b>", "ü"] * 12
    ds = ImageDataset.from_arrays(_pictures(kind), labels, shuffle=False, batch_size=4)
    assert handover.needed(ds)
    handover.save(ds, tmp_path / "data")
    again = handover.load(tmp_path / "data")
    assert again.fingerprint() == ds.fingerprint()
    assert (again.name, again.classes, again.spec) == (ds.name, ds.classes, ds.spec)
    assert (again.shuffle, again.batch_size, again.flip_safe) == (False, 4, ds.flip_safe)
    for one, other in zip(ds.splits(), again.splits(), strict=True):
        assert [s.id for s in one] == [s.id for s in other]
        np.testing.assert_array_equal(one.targets, other.targets)
        for i in range(len(one)):
            np.testing.assert_array_equal(one.read(i), other.read(i))
            np.testing.assert_array_equal(
                one.read_for_training(i, 4), other.read_for_training(i, 4)
            )


def test_data_that_has_a_place_needs_no_copy(flowers: Path) -> None:
    assert not handover.needed(data(flowers))
    assert not handover.needed(data("digits"))


def test_a_damaged_copy_is_told(tmp_path: Path) -> None:
    ds = ImageDataset.from_arrays(
        np.zeros((12, 8, 8), np.uint8) + np.arange(12, dtype=np.uint8)[:, None, None], [0, 1] * 6
    )
    handover.save(ds, tmp_path / "data")
    (tmp_path / "data" / "contents.safetensors").write_bytes(b"\0" * 20)
    with pytest.raises(StorageError, match="cannot be read"):
        handover.load(tmp_path / "data")
