# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_lab.datasets import Record, data
from lepton_lab.datasets.labels import labelings
from lepton_lab.datasets.vocabulary import check_known, classes_of, similar
from lepton_lab.errors import DataError
from tests.datasets.trees import codes, folder, labels, problem, three_lines


@settings(deadline=None)
@given(st.lists(st.text(min_size=1), min_size=1))
def test_the_vocabulary_holds_each_label_once_in_an_order_of_its_own(names):
    found = classes_of(names)
    assert sorted(found) == sorted(set(names))
    assert classes_of(reversed(names)) == found


def test_whole_numbers_are_sorted_by_value_and_zeros_kept():
    assert classes_of(["10", "2", "007", "7"]) == ("2", "007", "7", "10")
    assert classes_of(["10", "2", "x"]) == ("10", "2", "x")
    assert classes_of(["²", "1"]) == ("1", "²")


def test_an_order_from_the_source_is_kept_without_the_classes_that_are_absent():
    assert classes_of(["b", "a"], ["c", "b", "a"]) == ("b", "a")
    assert classes_of(["b", "z"], ["c", "b"]) == ("b", "z")


def test_labels_do_not_shift_when_val_lacks_a_class(tmp_path):
    folder(tmp_path / "train", cat=4, dog=4, eel=4)
    folder(tmp_path / "val", dog=3, eel=3)
    ds = data(tmp_path)
    assert ds.classes == ds.val.classes == ("cat", "dog", "eel")
    assert labels(ds.val) == ["dog"] * 3 + ["eel"] * 3
    assert problem(ds, "missing-class").ids == ("cat",)


def test_a_class_that_train_does_not_know_stops_with_its_name(tmp_path):
    folder(tmp_path / "train", cat=4, dog=4)
    folder(tmp_path / "val", dog=3, emu=3)
    with pytest.raises(DataError, match=r'1 class is in val but not in train: "emu"') as caught:
        data(tmp_path)
    assert "exclude='emu'" in three_lines(caught.value)[2]
    assert data(tmp_path, exclude="emu").classes == ("cat", "dog")


def test_two_unknown_classes_on_two_sides_are_told_together():
    records = [
        Record("1", b"", "x", "val"),
        Record("2", b"", "y", "test"),
        Record("3", b"", "a", "val"),
    ]
    with pytest.raises(
        DataError, match=r'2 classes are in test and val but not in train: "x", "y"'
    ):
        check_known(records, ("a",), labelings.get("class"))


@pytest.mark.parametrize(
    "pair",
    [
        ("pos", " pos"),
        ("Pos", "pos"),
        ("New York", "new_york"),
        ("ﬁn", "fin"),
        ("t-shirt", "tshirt"),
    ],
)
def test_names_that_differ_in_form_only_are_said(pair):
    assert similar(pair).count == 1


def test_different_names_are_not_said():
    assert (
        similar(["cat", "cats", "dog", "-", "_", "1", "01"]) is None
        or similar(["cat", "cats"]) is None
    )
    assert similar(["cat", "dog"]) is None


def test_a_class_of_one_image_goes_to_train_and_is_said(tmp_path):
    ds = data(folder(tmp_path, cat=8, dog=8, lynx=1))
    found = problem(ds, "one-image-class")
    assert (
        found.what == 'Class "lynx" has 1 image; it was kept for training and cannot be evaluated.'
    )
    assert "exclude='lynx'" in found.done
    assert "lynx" in labels(ds.train)
    assert "missing-class" not in codes(ds) or "lynx" not in problem(ds, "missing-class").ids


def test_without_a_val_split_it_is_said(tmp_path):
    ds = data(folder(tmp_path, cat=2, dog=2), val=0, test=0)
    assert ds.val is None and ds.test is None and "no-val" in codes(ds)
    with pytest.raises(DataError, match="Nothing of"):
        _ = ds.held_out


def test_shares_that_leave_nothing_to_train_on_are_refused(tmp_path):
    with pytest.raises(DataError, match="leave too little"):
        data(folder(tmp_path, cat=9, dog=9), val=0.6, test=0.5)
