# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from lepton_lab.runtime import mask_output
from lepton_lab.runtime.mask_colors import colors
from lepton_lab.runtime.mask_output import class_map, enlarged, from_runs, make, runs

SIZES = [
    ((8, 8), (128, 128)), ((7, 5), (33, 91)), ((1, 1), (4, 9)), ((16, 16), (16, 16)),
    ((33, 33), (12, 7)), ((9, 17), (1, 1)), ((32, 32), (375, 500)),
]  # fmt: skip


@pytest.mark.parametrize(("small", "large"), SIZES)
def test_logits_are_enlarged_as_torch_does_it(small, large) -> None:
    logits = np.random.default_rng(1).normal(size=(4, *small)).astype(np.float32)
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(logits)[None], size=large, mode="bilinear", align_corners=False
    )[0].numpy()
    found = enlarged(logits, large)
    assert found.dtype == np.float32 and found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, atol=4e-6)
    best = np.sort(wanted, axis=0)
    clear = best[-1] - best[-2] > 1e-5
    assert (class_map(logits, large) == wanted.argmax(axis=0))[clear].all() and clear.mean() > 0.99


def test_a_large_picture_is_enlarged_in_bands_with_the_same_result(monkeypatch) -> None:
    logits = np.random.default_rng(2).normal(size=(3, 6, 6)).astype(np.float32)
    whole = class_map(logits, (50, 40))
    monkeypatch.setattr(mask_output, "_AT_ONCE", 3 * 40 * 7)
    np.testing.assert_array_equal(class_map(logits, (50, 40)), whole)


def test_the_answer_has_the_size_of_the_picture_and_says_what_covers_it() -> None:
    logits = np.zeros((3, 4, 4), np.float32)
    logits[1, :, :2] = 5.0
    logits[0, :, 2:] = 5.0
    output = make({"kind": "mask"}, ["sky", "sea", "<b>"])
    row = {"size": np.array([30, 40])}
    answer = output.answer(output.cut({"logits": logits[None]}, [row])[0], row, "a.jpg")
    assert answer.mask.shape == (30, 40) and answer.mask.dtype == np.uint8
    assert (answer.mask[:, 0] == 1).all() and (answer.mask[:, -1] == 0).all()
    assert answer.coverage == {"sky": 0.5, "sea": 0.5} and answer.label == "sky"
    assert str(answer) == "a.jpg: sky 50.0%, sea 50.0%"
    found = json.loads(json.dumps(answer.to_json()))
    np.testing.assert_array_equal(from_runs(found["runs"], (30, 40)), answer.mask)
    assert found["height"] == 30 and found["width"] == 40
    with Image.open(io.BytesIO(answer.to_png())) as image:
        np.testing.assert_array_equal(np.asarray(image), answer.mask)


def test_what_is_kept_is_small_and_tells_another_answer() -> None:
    random = np.random.default_rng(3)
    logits = random.normal(size=(21, 128, 96)).astype(np.float32)
    output = make({}, [str(i) for i in range(21)])
    kept = json.loads(json.dumps(output.kept({"logits": logits})))
    assert len(json.dumps(kept)) < 12_000
    assert output.gap(kept, {"logits": logits + np.float32(1e-6)}) < 0.002
    assert output.gap(kept, {"logits": logits[::-1]}) > 0.9
    assert output.gap(kept, {"logits": logits[:, :9]}) == 1.0
    assert output.kept({"logits": logits[:, :2, :3]})["size"] == [2, 3]


def test_runs_and_back() -> None:
    mask = np.random.default_rng(4).integers(0, 3, (9, 7)).astype(np.uint8)
    np.testing.assert_array_equal(from_runs(runs(mask), mask.shape), mask)


def test_every_class_has_a_color_of_its_own() -> None:
    found = colors(255)
    assert found.shape == (255, 3) and len(np.unique(found, axis=0)) == 255
    np.testing.assert_array_equal(colors(5), found[:5])
    assert colors(0).shape == (0, 3)
