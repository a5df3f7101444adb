# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np

from lepton_lab.datasets.mask_overlay import legend, overlay, picture
from lepton_lab.runtime.mask_colors import colors


def test_classes_are_colored_and_the_first_one_and_no_class_are_left_as_they_are() -> None:
    pixels = np.full((4, 6, 3), 100, np.uint8)
    mask = np.zeros((4, 6), np.uint8)
    mask[:, 2:4], mask[:, 4:] = 1, 255
    found = overlay(pixels, mask, 3)
    assert (found[:, :2] == 100).all() and (found[:, 4:] == 100).all()
    wanted = 100 * 0.45 + colors(3)[1].astype(float) * 0.55
    np.testing.assert_allclose(found[0, 2], wanted, atol=1)


def test_a_mask_of_another_size_is_laid_over_the_whole_picture() -> None:
    found = overlay(np.zeros((40, 60, 3), np.uint8), np.ones((4, 6), np.uint8), 2)
    assert found.shape == (40, 60, 3) and found.any(axis=2).all()


def test_the_legend_names_what_occurs_and_is_escaped() -> None:
    shown = legend(["sky", "<script>", "sea"], [2, 1, 1])
    assert "<script>" not in shown.html() and "&lt;script&gt;" in shown.html()
    assert shown.text() == "<script>, sea" and "sky" not in shown.html()
    assert "var(--jp-ui-font-color1,inherit)" in shown.html()


def test_a_small_picture_says_what_covers_it() -> None:
    mask = np.zeros((90, 120), np.uint8)
    mask[:20] = 1
    found = picture(np.zeros((90, 120, 3), np.uint8), mask, ["sky", '"sea"'], "a.jpg")
    assert found.text() == 'a.jpg: sky, "sea"'
    assert 'alt="a.jpg: sky, &quot;sea&quot;"' in found.html() and len(found.html()) < 4000
