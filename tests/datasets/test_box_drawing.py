# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from lepton_lab.datasets import data
from lepton_lab.datasets.box_drawing import boxed, found_boxes
from lepton_lab.runtime.boxes_output import Detections
from lepton_lab.runtime.mask_colors import colors
from lepton_lab.workbench.drawings import drawing
from tests.datasets.annotations import coco_splits

PIXELS = np.zeros((100, 200, 3), np.uint8)
NASTY = "<img src=x onerror=alert(1)>"


def test_lines_are_where_the_boxes_are_in_the_colour_of_their_class():
    drawn = boxed(PIXELS, np.array([[0.25, 0.2, 0.75, 0.8], [0, 0, 1, 1]]), [1, 0], 2, 100)
    assert drawn.shape == (50, 100, 3)
    first, second = colors(3)[2], colors(3)[1]
    np.testing.assert_array_equal(drawn[25, 25], first)
    np.testing.assert_array_equal(drawn[25, 74], first)
    np.testing.assert_array_equal(drawn[0, 50], second)
    np.testing.assert_array_equal(drawn[25, 50], [0, 0, 0])


def test_names_are_text_and_scores_are_said():
    shown = found_boxes(PIXELS, np.array([[0.1, 0.1, 0.5, 0.5]]), [0], [0.875], [NASTY], NASTY, 120)
    assert "<img src=x" not in shown.html() and "1 &lt;img src=x" in shown.html()
    assert "0.875" in shown.html() and "0.875" in shown.text()
    assert "nothing found" in found_boxes(PIXELS, np.zeros((0, 4)), [], [], ["a"], "x", 120).html()


def test_an_answer_is_drawn_into_its_picture():
    answer = Detections("a.png", np.array([[50, 20, 150, 80]], np.float32), ("dog",), np.array([0.9]), (100, 200), ("cat", "dog"))  # fmt: skip
    html = drawing(answer, PIXELS).html()
    data = re.search(r"base64,([^\"]+)", html)[1]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
    height, width = picture.shape[:2]
    near = picture[height // 2, round(width * 0.25)].astype(int)
    assert np.abs(near - colors(3)[2]).max() < 60 and "1 dog 0.900" in html


def test_a_grid_of_samples_shows_their_boxes(tmp_path):
    shown = data(coco_splits(tmp_path / "pets")).show(4)
    assert shown.html().count("<img ") == 4 and "1 cat, 1 dog" in shown.html()
    assert len(shown.html()) < 4 * 6000
