# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from lepton_lab.datasets import data
from lepton_lab.errors import DataError
from lepton_lab.runtime.decode import decode_image
from tests.datasets.annotations import (
    HEIGHT,
    WIDTH,
    coco,
    coco_splits,
    corners,
    numbered,
    pictures,
    words,
)
from tests.datasets.trees import codes, folder, problem, side_of, three_lines


def test_files_beside_folders_are_splits_with_one_vocabulary(tmp_path):
    ds = data(coco_splits(tmp_path / "pets"))
    assert (ds.task, ds.content, ds.labels) == ("object-detection", "image", "boxes")
    assert ds.classes == ("cat", "dog") and (len(ds.train), len(ds.val)) == (6, 2)
    assert corners(ds)["train/00.jpg"] == ((4, 5, 14, 17), (8, 5, 18, 17))
    assert ds.train[0].label.classes == (0, 1) and ds.train[0].label.size == (HEIGHT, WIDTH)
    assert not ds.problems


@pytest.mark.parametrize("layout", ["among", "coco"])
def test_the_other_usual_layouts_are_the_same_set(tmp_path, layout):
    first = data(coco_splits(tmp_path / "plain"))
    root = tmp_path / layout
    for side, count, start in (("train", 6, 0), ("val", 2, 50)):
        names = pictures(root / (side if layout == "among" else f"{side}2017"), numbered(count), start)  # fmt: skip
        both = [(i, kind, [4 * kind, 5, 10, 12]) for i in range(count) for kind in (1, 2)]
        place = {"among": f"{side}/_annotations.coco.json", "coco": f"annotations/instances_{side}2017.json"}[layout]  # fmt: skip
        coco(root / place, names, both)
    found = data(root)
    assert sorted(corners(found).values()) == sorted(corners(first).values())
    assert (len(found.train), len(found.val)) == (6, 2)


def test_one_file_is_split_anew(tmp_path):
    names = pictures(tmp_path / "images", numbered(20))
    path = coco(tmp_path / "boxes.json", names, [(i, 1 + i % 2, [1, 1, 9, 9]) for i in range(20)])
    ds = data(path)
    assert (len(ds.train), len(ds.val), len(ds.test)) == (14, 3, 3)
    assert data(path, seed=3).fingerprint() != ds.fingerprint() == data(path).fingerprint()


def test_the_fingerprint_sees_a_moved_box(tmp_path):
    before = data(coco_splits(tmp_path / "a" / "pets")).fingerprint()
    root = coco_splits(tmp_path / "b" / "pets")
    assert data(root).fingerprint() == before
    text = (root / "train.json").read_text().replace("[4, 5, 10, 12]", "[4, 5, 10, 13]", 1)
    (root / "train.json").write_text(text)
    assert data(root).fingerprint() != before


BAD = [
    (0, 1, [-5, 2, 20, 20]),
    (0, 2, [40, 30, 60, 60]),
    (1, 1, [60, 2, 5, 5]),
    (1, 2, [3, 3, 0, 7]),
    (1, 2, [3, 3, -4, 7]),
    (2, 1, [1, 2, float("nan"), 4]),
    (2, 1, [1, 2, 3]),
    (2, 1, None),
    (2, 1, ["a", 2, 3, 4]),
    (3, 9, [1, 1, 5, 5]),
    (99, 1, [1, 1, 5, 5]),
    (4, 1, [1, 1, 5, 5]),
    (4, 1, [1, 1, 5, 5]),
    (4, 2, [47.9, 1, 0.4, 5]),
    (4, 2, [40, 1, 8.4, 5]),
]


def test_odd_boxes_are_put_right_or_left_out_and_told(tmp_path):
    names = pictures(tmp_path, numbered(8))
    more = [(i, 1 + i % 2, [2, 2, 10, 10]) for i in range(5, 8)]
    ds = data(coco(tmp_path / "x.json", names, [*BAD, *more]), val=0, test=0)
    found = corners(ds)
    assert found["00.jpg"] == ((0, 2, 15, 22), (40, 30, 48, 40))
    assert found["01.jpg"] == found["02.jpg"] == found["03.jpg"] == ()
    assert found["04.jpg"] == ((1, 1, 6, 6), (40, 1, 48, 6))
    counts = {f.code: f.count for f in ds.problems}
    assert counts["boxes-clipped"] == 2 and counts["boxes-empty"] == 4
    assert counts["boxes-unreadable"] == 4 and counts["boxes-twice"] == 1
    assert counts["unknown-category"] == counts["unknown-image"] == 1 and counts["no-boxes"] == 3
    assert problem(ds, "boxes-clipped").ids == ("00.jpg", "00.jpg")
    assert "category 9" in problem(ds, "unknown-category").details[0]
    assert {"boxes-clipped", "boxes-empty", "unknown-category"} <= set(ds.audit().codes)


def test_pictures_that_are_missing_damaged_or_unlisted_are_told(tmp_path):
    names = pictures(tmp_path / "train", numbered(6))
    coco(tmp_path / "train.json", [*names, "gone.jpg", "cut.jpg"], [(i, 1, [1, 1, 9, 9]) for i in range(8)])  # fmt: skip
    pictures(tmp_path / "train", ["extra.jpg"], 40)
    whole = (tmp_path / "train" / "00.jpg").read_bytes()
    (tmp_path / "train" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    ds = data(tmp_path, val=0, test=0)
    assert len(ds.train) == 6
    assert problem(ds, "missing").ids == ("train/gone.jpg",)
    assert problem(ds, "truncated").ids == ("train/cut.jpg",)
    assert problem(ds, "left-unlisted").ids == ("train/extra.jpg",)
    assert problem(ds, "unused-category").ids == ("dog",)


def test_a_picture_without_boxes_is_a_sample(tmp_path):
    names = pictures(tmp_path, numbered(4))
    ds = data(coco(tmp_path / "x.json", names, [(0, 1, [1, 1, 9, 9]), (1, 2, [1, 1, 9, 9])]), val=0, test=0)  # fmt: skip
    assert (
        len(ds.train) == 4 and words(ds)["03.jpg"] == "nothing" and words(ds)["00.jpg"] == "1 cat"
    )
    assert problem(ds, "no-boxes").severity == "info"


def test_crowds_are_kept_apart(tmp_path):
    names = pictures(tmp_path, numbered(2))
    path = coco(tmp_path / "x.json", names, [(0, 1, [1, 1, 9, 9]), (1, 2, [1, 1, 30, 30]), (1, 1, [2, 2, 9, 9])])  # fmt: skip
    content = json.loads(path.read_text())
    content["annotations"][1]["iscrowd"] = 1
    path.write_text(json.dumps(content))
    label = data(path, val=0, test=0).train[1].label
    assert label.crowd == (True, False)
    np.testing.assert_array_equal(label.learned()[0], [[2, 2, 11, 11]])
    assert problem(data(path, val=0, test=0), "crowd").count == 1


def test_another_size_scales_the_boxes_and_another_shape_is_another_picture(tmp_path):
    names = pictures(tmp_path / "a", numbered(2))
    ds = data(coco(tmp_path / "a" / "x.json", names, [(0, 1, [20, 20, 40, 40])], said=(WIDTH * 2, HEIGHT * 2)), val=0, test=0)  # fmt: skip
    assert corners(ds)["00.jpg"] == ((10, 10, 30, 30),)
    assert problem(ds, "boxes-scaled").count == 2
    names = pictures(tmp_path / "b", numbered(3))
    path = coco(tmp_path / "b" / "x.json", names, [(i, 1, [1, 1, 9, 9]) for i in range(3)])
    content = json.loads(path.read_text())
    content["images"][2]["width"] = 500
    path.write_text(json.dumps(content))
    ds = data(path, val=0, test=0)
    assert len(ds.train) == 2 and problem(ds, "other-image").ids == ("02.jpg",)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_follow_the_orientation_flag(tmp_path, orientation):
    """A white rectangle on the stored pixels is where its box says, once both are upright."""
    stored = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    stored[4:16, 8:40] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    upright = decode_image(tmp_path / "a.png")
    marked = np.argwhere(upright[..., 0] > 0)
    (top, left), (bottom, right) = marked.min(axis=0), marked.max(axis=0) + 1
    turned = orientation >= 5
    box = [8, 4, 32, 12] if turned else [left, top, right - left, bottom - top]
    ds = data(
        coco(tmp_path / "x.json", ["a.png"], [(0, 1, [float(v) for v in box])]), val=0, test=0
    )
    assert corners(ds)["a.png"] == ((left, top, right, bottom),)
    assert ("boxes-turned" in codes(ds)) == turned


def test_file_names_never_lead_out_of_the_folder(tmp_path):
    pictures(tmp_path / "secret", ["private.jpg"], 90)
    root = tmp_path / "set"
    names = pictures(root, numbered(3))
    wild = ["../secret/private.jpg", str(tmp_path / "secret" / "private.jpg"), "http://x.org/a.jpg"]
    ds = data(coco(root / "x.json", [*names, *wild], [(i, 1, [1, 1, 9, 9]) for i in range(6)]), val=0, test=0)  # fmt: skip
    assert sorted(corners(ds)) == names
    assert all(str(s.payload).startswith(str(root)) for s in ds.train)
    assert problem(ds, "missing").count == 2


def test_the_same_picture_on_two_sides_is_kept_once(tmp_path):
    names = pictures(tmp_path / "images", numbered(4))
    for side in ("train", "val"):
        coco(
            tmp_path / f"{side}.json", names[: 4 if side == "train" else 1], [(0, 1, [1, 1, 9, 9])]
        )
    ds = data(tmp_path)
    assert problem(ds, "listed-twice").ids == ("images/00.jpg",)
    assert side_of(ds)["images/00.jpg"] == "train"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"images": [], "annotations": [], "categories": [], "x": "bbox" oops', "no valid JSON"),
        ('["images", "annotations", "categories", "bbox"]', "no COCO file"),
        ('{"images": 3, "annotations": [], "categories": [], "bbox": 1}', "no COCO file"),
        ('{"images": [{"id": [1]}], "annotations": [], "categories": [], "bbox": 1}', "no COCO file"),
        ('{"images": [], "annotations": [], "categories": [], "bbox": 1}', "lists no image"),
        ('{"images": [], "annotations": [], "categories": [], "bbox": ' + "[" * 100_000, "no valid JSON"),
    ],
)  # fmt: skip
def test_damaged_files_say_so_in_three_lines(tmp_path, text, said):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=said) as caught:
        data(tmp_path / "x.json")
    three_lines(caught.value)


def test_a_class_of_val_that_train_has_not_stops(tmp_path):
    root = coco_splits(tmp_path)
    content = json.loads((root / "train.json").read_text())
    content["annotations"] = [a for a in content["annotations"] if a["category_id"] == 1]
    (root / "train.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="dog") as caught:
        data(root)
    three_lines(caught.value)


def test_class_folders_with_some_json_stay_class_folders(tmp_path):
    root = folder(tmp_path / "pets", cat=3, dog=3)
    (root / "about.json").write_text('{"images": 6}')
    assert data(root).task == "image-classification"
