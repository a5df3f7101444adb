# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from lepton_lab.evaluation import Evaluation
from lepton_lab.evaluation.pictures import jpeg, thumbnail
from tests.metrics.predictions import seeded


def noise(index):
    return np.random.default_rng(index).integers(0, 256, (300, 240, 3), np.uint8)


def report(picture, n=400, classes=30):
    p, t = seeded(n, classes, signal=1.0)
    names = [f"<{'&' * 60}{i}>" for i in range(classes)]
    ids = [f"'{'<' * 90}{i}" for i in range(n)]
    return Evaluation.from_predictions(p, t, names, ids=ids, picture=picture)


@pytest.mark.parametrize("shape", [(300, 240, 3), (10, 700, 3), (1, 1, 3), (64, 64), (64, 64, 1)])
def test_a_thumbnail_is_a_small_jpeg_that_keeps_its_proportions(shape):
    image = Image.open(io.BytesIO(jpeg(np.full(shape, 200, np.uint8))))
    assert image.format == "JPEG"
    side = max(shape[:2])
    assert max(image.size) == (96 if side <= 48 else min(96, side))
    assert abs(np.asarray(image).astype(int) - 200).max() < 6


def test_a_tiny_picture_is_enlarged_in_whole_pixels():
    pixels = np.zeros((8, 6, 3), np.uint8)
    pixels[2, 3] = 255
    image = np.asarray(Image.open(io.BytesIO(jpeg(pixels)))).astype(int)
    assert image.shape[:2] == (96, 72)
    assert image[24:36, 36:48].mean() > 200
    assert image[40:].mean() < 20


def test_the_page_with_the_noisiest_pictures_and_the_longest_names_stays_small():
    page = report(noise, n=5000)._repr_mimebundle_()["text/html"]
    assert page.count("data:image/jpeg") == 19
    assert len(page.encode()) < 150_000


def test_pictures_of_the_worst_and_the_confused_samples_are_read_and_no_others():
    read = []

    def picture(index):
        read.append(index)
        return np.zeros((8, 8, 3), np.uint8)

    ev = report(picture)
    assert read == []
    shown = ev._repr_mimebundle_(exclude=["text/html"])
    assert set(shown) == {"text/plain"} and read == []
    ev._repr_mimebundle_()
    assert len(read) <= 19
    worst = [int(i) for i in np.argsort(-ev.measured.losses, kind="stable")[:9]]
    assert set(worst) <= set(read)
    before = len(read)
    ev._repr_mimebundle_()
    assert len(read) == before


def test_the_picture_shown_is_that_of_the_sample_it_names():
    def picture(index):
        return np.full((8, 8, 3), index * 40, np.uint8)

    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])
    ev = Evaluation.from_predictions(p, [0, 1, 0], "ab", ids=["x", "y", "z"], picture=picture)
    page = ev._repr_mimebundle_()["text/html"]
    found = re.findall(r'<img alt="([^"]*)" src="data:image/jpeg;base64,([^"]*)"', page)
    level = {"x": 0, "y": 40, "z": 80}
    for alt, data in found:
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        assert abs(pixels.mean() - level[alt[-1]]) < 4
    assert [alt for alt, _ in found][-3:] == ["b taken for a: y", "a taken for b: z", "a: x"]


def test_a_sample_that_cannot_be_read_shows_an_empty_frame_with_its_words():
    def gone(index):
        raise OSError("the file was moved")

    shown = thumbnail(gone, 3, 'a "cat"')
    assert "<img" not in shown
    assert 'aria-label="a &quot;cat&quot;"' in shown
    assert "no picture" in shown
    assert "no picture" in report(gone)._repr_mimebundle_()["text/html"]
