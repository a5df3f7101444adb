# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from lepton_lab.runtime.boxes_output import make, pick

RANDOM = np.random.default_rng(0)
RULE = {"top": 100, "threshold": 0.5}


def queries(count: int = 30, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Logits with a last column for nothing, and boxes as centre and size."""
    logits = RANDOM.normal(0, 2, (count, classes + 1)).astype(np.float32)
    return logits, RANDOM.uniform(0.2, 0.4, (count, 4)).astype(np.float32)


def corners(boxes: np.ndarray) -> np.ndarray:
    return np.hstack([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2])


@pytest.mark.parametrize(("many", "threshold"), [(False, 0.5), (True, 0.1)])
def test_the_boxes_are_those_of_transformers(many, threshold):
    """The library's own post-processing of DETR and of Deformable DETR."""
    import torch
    from transformers import DeformableDetrImageProcessorPil, DetrImageProcessorPil

    logits, boxes = queries()
    values = torch.from_numpy(logits)
    if many:
        values = values[:, :-1]
        scores = values.sigmoid().numpy()
        processor = DeformableDetrImageProcessorPil()
    else:
        scores = values.softmax(-1)[:, :-1].numpy()
        processor = DetrImageProcessorPil()
    outputs = SimpleNamespace(logits=values[None], pred_boxes=torch.from_numpy(boxes)[None])
    theirs = processor.post_process_object_detection(outputs, threshold=threshold, target_sizes=[(60, 80)])[0]  # fmt: skip
    ours = pick(scores, corners(boxes), (60, 80), top=100)
    ours = ours[ours[:, 0] > threshold]
    order = np.argsort(-theirs["scores"].numpy(), kind="stable")
    assert 3 < len(ours) == len(order)
    np.testing.assert_allclose(ours[:, 0], theirs["scores"].numpy()[order], atol=1e-6)
    np.testing.assert_array_equal(ours[:, 1], theirs["labels"].numpy()[order])
    np.testing.assert_allclose(ours[:, 2:], theirs["boxes"].numpy()[order], atol=1e-4)


def test_answers_have_labels_and_pixels_of_the_original_and_stay_inside():
    output = make(RULE, ["cat", "<b>dog</b>"])
    outputs = {
        "scores": np.array([[0.1, 0.9], [0.6, 0.2], [0.4, 0.3]], np.float32),
        "boxes": np.array([[0.5, 0.5, 1.5, 0.75], [0, 0.25, 0.5, 0.5], [0, 0, 1, 1]], np.float32),
    }
    found = output.answer(outputs, {"size": np.array([100, 200])}, "a.jpg")
    assert found.labels == ("<b>dog</b>", "cat") and len(found) == 2
    np.testing.assert_allclose(found.boxes, [[100, 50, 200, 75], [0, 25, 100, 50]])
    assert json.loads(json.dumps(found.to_json()))["boxes"][1] == {"label": "cat", "score": 0.6, "box": [0, 25, 100, 50]}  # fmt: skip
    assert str(found).startswith("a.jpg: <b>dog</b> 0.900 at (100, 50)-(200, 75); cat")
    outputs["scores"] = outputs["scores"] * 0.1
    assert str(output.answer(outputs, {"size": np.array([100, 200])})) == "nothing found"


def test_a_golden_answer_survives_another_order_of_queries_and_tells_every_change():
    output = make(RULE, ["a", "b", "c", "d"])
    logits, boxes = queries()
    outputs = {"scores": 1 / (1 + np.exp(-logits[:, :-1])), "boxes": corners(boxes)}
    kept = json.loads(json.dumps(output.kept(outputs)))
    assert output.gap(kept, outputs) < 1e-5
    order = RANDOM.permutation(30)
    assert output.gap(kept, {name: values[order] for name, values in outputs.items()}) < 1e-5
    best = int(outputs["scores"].max(axis=1).argmax())
    for name, change in (("boxes", 0.05), ("scores", -0.05)):
        changed = {key: values.copy() for key, values in outputs.items()}
        changed[name][best] += change
        assert output.gap(kept, changed) > 0.01
    nothing = {name: np.full_like(values, np.nan) for name, values in outputs.items()}
    assert not output.gap(kept, nothing) <= 0.01


def test_a_batch_is_cut_into_its_samples():
    outputs = {"scores": np.arange(12).reshape(2, 3, 2), "boxes": np.zeros((2, 3, 4))}
    cut = make(RULE, ["a", "b"]).cut(outputs, [{}, {}])
    np.testing.assert_array_equal(cut[1]["scores"], outputs["scores"][1])
