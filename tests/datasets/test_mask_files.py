# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lepton_lab.datasets.mask_files import color_value, look_at, read_values
from lepton_lab.runtime.decode import ImageError

VALUES = np.array([[0, 1, 2], [7, 255, 2]], np.uint8)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "LA", "I;16", "I"])
def test_each_way_of_writing_values_is_read_as_the_same_values(tmp_path: Path, mode: str) -> None:
    grey = Image.fromarray(VALUES)
    if mode == "P":
        image = Image.fromarray(VALUES, "P")
        image.putpalette([v for i in range(256) for v in (i * 7 % 256, i * 13 % 256, 255 - i)])
    elif mode.startswith("I"):
        image = Image.fromarray(VALUES.astype(np.uint16 if mode == "I;16" else np.int32))
    else:
        image = grey.convert(mode)
    kind = "mask.tif" if mode == "I" else "mask.png"
    image.save(tmp_path / kind)
    assert read_values(tmp_path / kind).tolist() == VALUES.tolist()


def test_one_bit_is_zero_and_one(tmp_path: Path) -> None:
    Image.fromarray(VALUES > 1).save(tmp_path / "mask.png")
    assert read_values(tmp_path / "mask.png").tolist() == [[0, 0, 1], [1, 1, 1]]


def test_colors_become_numbers_of_their_own(tmp_path: Path) -> None:
    pixels = np.zeros((1, 2, 3), np.uint8)
    pixels[0, 1] = 128, 64, 128
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    assert read_values(tmp_path / "mask.png").tolist() == [
        [color_value(0, 0, 0), color_value(128, 64, 128)]
    ]


def test_a_black_and_white_jpeg_is_cut_at_half_and_another_one_is_refused(tmp_path: Path) -> None:
    plain = np.zeros((32, 32), np.uint8)
    plain[8:24, 8:24] = 255
    Image.fromarray(plain).save(tmp_path / "plain.jpg", quality=90)
    Image.fromarray(plain // 3).save(tmp_path / "grey.jpg", quality=90)
    assert set(np.unique(read_values(tmp_path / "plain.jpg"))) == {0, 255}
    with pytest.raises(ImageError, match="save masks as PNG"):
        read_values(tmp_path / "grey.jpg")


def test_many_files_are_looked_at_and_bad_ones_say_why(tmp_path: Path) -> None:
    Image.fromarray(VALUES).save(tmp_path / "good.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:40])
    photo = np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    good, cut, gone, photo_facts = look_at(
        [tmp_path / name for name in ("good.png", "cut.png", "gone.png", "photo.png")]
    )
    assert good.size == (2, 3) and good.counts == {0: 1, 1: 1, 2: 2, 7: 1, 255: 1}
    assert cut.code and cut.reason
    assert gone.reason
    assert photo_facts.code == "no-mask"
