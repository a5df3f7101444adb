# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np

from lepton_lab.datasets.labels import labelings
from lepton_lab.datasets.labels.boxes import Boxes, NamedBoxes

BOXES = labelings.get("boxes")
RAW = NamedBoxes(((1, 2, 5, 8), (0, 0, 4, 4), (3, 3, 9, 9)), ("eel", "cat", "cat"), (20, 30), (False, True, False))  # fmt: skip


def test_names_become_indexes_and_crowds_are_not_learned():
    label = BOXES.encode(RAW, {"cat": 0, "eel": 1})
    assert label.classes == (1, 0, 0) and len(label) == 3 and label.size == (20, 30)
    corners, classes = label.learned()
    assert corners.dtype == np.float32 and classes.tolist() == [1, 0]
    np.testing.assert_array_equal(corners, [[1, 2, 5, 8], [3, 3, 9, 9]])
    assert BOXES.words(label, ("cat", "<b>eel")) == "2 cat, 1 <b>eel"
    assert list(BOXES.indexes(label)) == [1, 0, 0] and set(BOXES.names(RAW)) == {"cat", "eel"}


def test_a_fingerprint_sees_every_box_of_a_crowded_picture():
    many = tuple((float(i), 0.0, i + 1.5, 2.0) for i in range(2000))
    one = Boxes(many, (0,) * 2000, (10, 3000), (False,) * 2000)
    moved = Boxes((*many[:1000], (1000.0, 0.0, 1001.25, 2.0), *many[1001:]), one.classes, one.size, one.crowd)  # fmt: skip
    assert repr(one) != repr(moved)


def test_a_split_balances_by_the_rarest_class_of_each_picture():
    assert BOXES.stratum(RAW) == "eel"
    assert BOXES.stratum(NamedBoxes((), (), (1, 1), ())) == ""


def test_samples_without_a_label_have_no_boxes():
    assert [len(t) for t in BOXES.targets([None, BOXES.encode(RAW, {"cat": 0, "eel": 1})])] == [
        0,
        3,
    ]
    assert BOXES.words(None, ()) == "no label"
