# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import builtins
import contextlib
import io

import numpy as np
import pytest

from lepton_lab.errors import LeptonError
from lepton_lab.metrics.boxes import BoxMeasurement, Truth


def truth(*boxes: tuple[float, ...], classes: list[int] | None = None, crowd: list[bool] | None = None) -> Truth:  # fmt: skip
    count = len(boxes)
    return Truth(
        np.array(boxes, np.float64).reshape(-1, 4),
        np.array(classes or [0] * count, np.int64),
        np.array(crowd or [False] * count, bool),
    )


def found(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float64).reshape(-1, 6)


A, B = (0, 0, 10, 10), (20, 20, 40, 40)


def test_perfect_boxes_score_one_and_nothing_found_scores_zero():
    one = BoxMeasurement([found((0.9, 0, *A), (0.8, 0, *B))], [truth(A, B)], 1)
    assert one.values == {"map50": 1.0, "map": 1.0, "map75": 1.0}
    none = BoxMeasurement([found()], [truth(A, B)], 1)
    assert none.values == {"map50": 0.0, "map": 0.0, "map75": 0.0}


def test_half_the_boxes_found_is_the_51_recalls_up_to_a_half():
    half = BoxMeasurement([found((0.9, 0, *A))], [truth(A, B)], 1)
    assert half.values["map50"] == pytest.approx(51 / 101)


def test_a_wrong_box_costs_only_where_it_is_surer_than_right_ones():
    wrong = (0, 50, 0, 60, 10)
    late = BoxMeasurement([found((0.9, 0, *A), (0.1, *wrong))], [truth(A)], 1)
    early = BoxMeasurement([found((0.9, 0, *A), (0.95, *wrong))], [truth(A)], 1)
    assert late.values["map50"] == 1.0 and early.values["map50"] == pytest.approx(0.5)


def test_the_overlap_decides_at_which_thresholds_a_box_counts():
    shifted = (0, 0, 10, 8)
    one = BoxMeasurement([found((0.9, 0, *shifted))], [truth(A)], 1)
    np.testing.assert_allclose(one.per_class[0], [1] * 7 + [0] * 3)
    assert one.values["map"] == pytest.approx(0.7)


def test_one_true_box_is_found_once():
    twice = BoxMeasurement([found((0.9, 0, *A), (0.8, 0, *A), (0.7, 0, *B))], [truth(A, B)], 1)
    assert twice.values["map50"] == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_what_lies_in_a_crowd_counts_neither_way_and_a_class_that_is_absent_is_not_averaged():
    crowd = truth(A, (20, 0, 90, 90), crowd=[False, True])
    one = BoxMeasurement([found((0.99, 0, 30, 10, 40, 20), (0.9, 0, *A))], [crowd], 3)
    assert one.values["map50"] == 1.0
    assert np.isnan(one.per_class[1:]).all()


def test_no_class_at_all_has_no_score():
    empty = BoxMeasurement([found((0.9, 0, *A))], [truth()], 2)
    assert all(np.isnan(value) for value in empty.values.values())
    assert all(np.isnan(bound) for pair in empty.intervals(5).values() for bound in pair)


def test_an_image_is_judged_by_the_boxes_it_would_show():
    rows = [
        found((0.9, 0, *A), (0.3, 0, *B)),
        found((0.9, 0, *A), (0.8, 1, *B)),
        found(),
        found(),
        found((0.7, 0, *A)),
    ]
    truths = [truth(A, B), truth(A, B, classes=[0, 1]), truth(A), truth(), truth()]
    np.testing.assert_allclose(BoxMeasurement(rows, truths, 2).by_image(0.5), [2 / 3, 1, 0, 1, 0])


def scene(
    seed: int, images: int = 12, classes: int = 3, places: int = 1
) -> tuple[list[np.ndarray], list[Truth]]:
    """True boxes, and boxes found with noise, misses, doubles, wrong classes, ties and a crowd."""
    random = np.random.default_rng(seed)
    all_found, truths = [], []
    for _ in range(images):
        count = int(random.integers(0, 7))
        start = random.uniform(0, 80, (count, 2))
        corners = np.hstack([start, start + random.uniform(5, 40, (count, 2))])
        kinds, crowd = random.integers(0, classes, count), random.random(count) < 0.15
        truths.append(Truth(corners, kinds, crowd))
        kept = np.repeat(random.random(count) < 0.8, 2) & (random.random(2 * count) < 0.7)
        boxes = np.repeat(corners, 2, axis=0)[kept]
        boxes = boxes + random.normal(0, 2, boxes.shape)
        guess = np.where(random.random(len(boxes)) < 0.2, random.integers(0, classes, len(boxes)), np.repeat(kinds, 2)[kept])  # fmt: skip
        scores = np.round(random.uniform(0.05, 1, len(boxes)), places)
        all_found.append(np.column_stack([scores, guess, boxes]).reshape(-1, 6))
    return all_found, truths


def by_the_library(
    all_found: list[np.ndarray], truths: list[Truth], classes: int = 3
) -> np.ndarray:
    """The twelve numbers of pycocotools, from its own data structures."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def made(rows: list[dict]) -> COCO:
        coco = COCO()
        coco.dataset = {
            "images": [{"id": i} for i in range(len(truths))],
            "categories": [{"id": k} for k in range(classes)],
            "annotations": [{"id": i, **row} for i, row in enumerate(rows, 1)],
        }
        coco.createIndex()
        return coco

    def row(image: int, kind: float, box: np.ndarray) -> dict:
        size = box[2:] - box[:2]
        return {"image_id": image, "category_id": int(kind), "bbox": [*box[:2], *size], "area": float(size.prod()), "iscrowd": 0}  # fmt: skip

    with contextlib.redirect_stdout(io.StringIO()):
        true = made([row(i, k, b) | {"iscrowd": int(c)} for i, t in enumerate(truths) for b, k, c in zip(t.corners, t.classes, t.crowd, strict=True)])  # fmt: skip
        guess = made([row(i, r[1], r[2:]) | {"score": r[0]} for i, f in enumerate(all_found) for r in f])  # fmt: skip
        evaluation = COCOeval(true, guess, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


@pytest.mark.parametrize("seed", range(6))
def test_the_numbers_are_those_of_pycocotools(seed):
    all_found, truths = scene(seed)
    ours = BoxMeasurement(all_found, truths, 3).values
    wanted = by_the_library(all_found, truths)
    np.testing.assert_allclose([ours["map"], ours["map50"], ours["map75"]], wanted[:3], rtol=1e-12)


def test_an_image_drawn_twice_counts_as_two_images():
    all_found, truths = scene(1, places=9)
    one = BoxMeasurement(all_found, truths, 3)
    weights = np.array([2, 0, 1] * 4)
    repeated = np.repeat(np.arange(12), weights)
    two = BoxMeasurement([all_found[i] for i in repeated], [truths[i] for i in repeated], 3)
    np.testing.assert_allclose(one._precision(weights), two.per_class, rtol=1e-12)


def test_intervals_hold_their_point_shrink_with_images_and_are_the_same_each_time():
    all_found, truths = scene(2, images=10)
    few = BoxMeasurement(all_found, truths, 3)
    low, high = few.intervals()["map50"]
    assert low <= few.values["map50"] <= high and 0 <= low < high <= 1
    assert few.intervals() == few.intervals()
    more = BoxMeasurement(*scene(2, images=160), 3).intervals(100)["map50"]
    assert more[1] - more[0] < high - low


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pycocotools"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(LeptonError, match=r"pip install 'lepton-lab\[detection\]'"):
        BoxMeasurement([found()], [truth()], 1)
