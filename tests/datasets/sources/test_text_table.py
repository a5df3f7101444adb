# SPDX-License-Identifier: BSD-3-Clause
"""Texts from tables, the whole way into a data set: labels of every kind, and what is odd about them."""

from __future__ import annotations

import pytest

from lepton_lab.datasets import data
from lepton_lab.errors import DataError

TEXTS = [f"this is sentence number {i}" for i in range(40)]


def of(cells, **options):
    rows = [{"text": t, "label": label} for t, label in zip(TEXTS, cells, strict=False)]
    return data(rows, **options)


def codes(ds):
    return {finding.code for finding in ds.problems}


def test_a_file_is_told_to_be_texts_and_how_to_overrule_that(tmp_path):
    body = "".join(f'"{t}",{"NA" if i % 2 else "007"}\n' for i, t in enumerate(TEXTS))
    (tmp_path / "reviews.csv").write_text("review,stars\n" + body)
    ds = data(tmp_path / "reviews.csv")
    assert (ds.task, ds.content, ds.labels) == ("text-classification", "text", "class")
    assert ds.classes == ("007", "NA") and ds.columns == {"text": "review", "label": "stars"}
    said = next(f for f in ds.problems if f.code == "told-task")
    assert "text=review, label=stars" in said.what and "task=" in said.done
    assert ds.train[0].payload in TEXTS and len(ds.train) + len(ds.val) + len(ds.test) == 40


@pytest.mark.parametrize("mark", ["|", ";"])
def test_several_classes_stand_between_marks_or_in_lists(mark):
    names = ["a", "b", f"a{mark}b", ""]
    ds = of([names[i % 4] for i in range(40)])
    assert ds.labels == "classes" and ds.classes == ("a", "b")
    assert {s.label for s in ds.train} == {(0,), (1,), (0, 1), ()}
    assert {"several-classes", "no-class"} <= codes(ds)
    lists = of([[["a"], ["b"], ["b", "a"], []][i % 4] for i in range(40)])
    assert lists.fingerprint() == ds.fingerprint()
    one = of([names[i % 3] for i in range(40)], labels="class")
    assert one.labels == "class" and one.classes == ("a", f"a{mark}b", "b")


def test_a_mark_within_a_name_makes_no_classes():
    ds = of([["and/or | both", "x; y", "z"][i % 3] for i in range(39)])
    assert ds.labels == "class" and len(ds.classes) == 3


def test_fractions_are_a_score_and_stars_are_classes():
    ds = of([i / 3 for i in range(40)])
    assert ds.labels == "number" and ds.classes == () and "regression" in codes(ds)
    assert ds.train.targets.dtype.kind == "f"
    assert of([i % 5 for i in range(40)]).classes == ("0", "1", "2", "3", "4")
    with pytest.raises(DataError, match="1 cell that is no number") as caught:
        of([*range(39), "many"], labels="number")
    assert "'many'" in str(caught.value) and "labels='class'" in str(caught.value)


def test_odd_labels_are_told_before_training():
    ds = of(["pos", "Pos", "pos ", "neg"] * 10)
    assert {"spaced-labels", "similar-labels"} <= codes(ds)
    unlabeled = of(["a", "b", None, " "] * 10)
    assert next(f for f in unlabeled.problems if f.code == "unlabeled").count == 20
    with pytest.raises(DataError, match="Only one class"):
        of(["a"] * 40)


def test_a_class_that_train_does_not_know_stops_the_loading():
    rows = [{"text": t, "label": "ab"[i % 2], "split": "train"} for i, t in enumerate(TEXTS)]
    rows[-1] |= {"split": "test", "label": "c"}
    with pytest.raises(DataError, match='in test but not in train: "c"'):
        data(rows)


def test_empty_texts_are_left_out_and_long_and_similar_ones_are_told():
    texts = [*TEXTS[:36], "", " \u3000\t", "x" * 1_000_000, "Hello,  World!"]
    rows = [{"text": t, "label": "ab"[i % 2], "split": "train"} for i, t in enumerate(texts)]
    rows += [
        {"text": "more", "label": "b", "split": "val"},
        {"text": "hello world", "label": "a", "split": "test"},
        {"text": "fresh", "label": "b", "split": "test"},
    ]
    ds = data(rows)
    audit = ds.audit()
    assert audit["empty-text"].count == 2 and "very-long-texts" in audit
    assert [pair[1] for pair in audit["near-copies"].pairs] == ["00041"]
    assert all(len(line) < 400 for line in audit.text().splitlines())
    assert audit["empty-text"].what == "2 texts are empty or blank."
    with pytest.raises(DataError, match="cannot be read"):
        data(rows, clean="stop")


def test_pairs_are_two_texts_and_copies_of_both_are_copies():
    rows = [
        {"premise": TEXTS[i % 20], "hypothesis": f"h{i % 20}", "label": "yn"[i % 2]}
        for i in range(40)
    ]
    ds = data(rows)
    assert ds.columns["text"] == "premise,hypothesis"
    assert ds.train.read(0) == tuple(ds.train[0].payload)
    assert "duplicates" in ds.audit()
    sides = {s.payload: split.name for split in ds.splits() for s in split}
    for split in ds.splits():
        assert all(sides[s.payload] == split.name for s in split)


def test_a_group_stays_on_one_side():
    rows = [{"text": t, "label": "ab"[i % 2], "author": f"w{i % 8}"} for i, t in enumerate(TEXTS)]
    ds = data(rows, text="text", label="label", group="author")
    by_author = {}
    for split in ds.splits():
        for sample in split:
            by_author.setdefault(int(sample.id) % 8, set()).add(split.name)
    assert all(len(sides) == 1 for sides in by_author.values())
    with pytest.raises(DataError, match='no column "autor"'):
        data(rows, group="autor")
