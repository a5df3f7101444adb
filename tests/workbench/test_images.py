# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import lepton_lab as lab
from lepton_lab.datasets.contents.pictures import thumbnail
from lepton_lab.errors import DataError, SpecError
from lepton_lab.workbench.images import image_inputs
from lepton_lab.workbench.model import LeptonModel


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)


def test_every_form_of_one_picture_has_the_same_pixels(picture: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path)
    forms = [
        path, str(path), path.read_bytes(), Image.open(path), picture, picture.transpose(2, 0, 1), picture / 255.0,
        torch.from_numpy(picture), [picture], str(tmp_path / "*.png"), str(tmp_path),
    ]  # fmt: skip
    for form in forms:
        (found,) = image_inputs(form)
        assert np.array_equal(found.pixels, picture)


def test_the_tensor_is_imagenets_unless_a_model_is_given(picture: np.ndarray) -> None:
    found = lab.preprocess_image(picture)
    assert found.tensor.shape == (1, 3, 224, 224)
    assert np.asarray(found).dtype == np.float32
    bound = lab.preprocess_image(picture, model=lab.load_model("lepton_glyphs"))
    assert bound.tensor.shape == (1, 3, 48, 48)


def test_a_wrong_path_names_the_near_one(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"x")
    with pytest.raises(DataError, match=r"cat\.jpg"):
        image_inputs(str(tmp_path / "cst.jpg"))


@pytest.mark.parametrize("wrong", [np.zeros((5, 5, 7), np.uint8), np.zeros(5), 3.5, {"a": 1}, None])
def test_what_is_no_picture_is_told_in_one_error(wrong: object) -> None:
    with pytest.raises(DataError):
        image_inputs(wrong)


def test_a_hostile_file_name_stays_text_in_the_page(picture: np.ndarray) -> None:
    page = thumbnail(picture, '"><script>alert(1)</script>').markup
    assert "<script" not in page
    assert page.count("<") == 1


@pytest.mark.parametrize(
    ("shape", "found"),
    [((64, 64, 3), (64, 3)), ((3, 64, 64), (64, 3)), ((32, 32, 1), (32, 1)), (None, (None, None))],
)
def test_an_input_shape_is_read_in_both_orders(shape: object, found: object) -> None:
    from lepton_lab.workbench.model import _shape

    assert _shape(shape) == found  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(3, 3, 3), (64, 64), (64, 32, 3)])
def test_an_unclear_input_shape_says_what_to_give(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecError, match="input_shape"):
        LeptonModel.load_pretrained("lepton_glyphs", input_shape=shape)
