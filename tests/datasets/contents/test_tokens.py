# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import lepton_lab as lab
from lepton_lab.datasets.contents import contents
from lepton_lab.datasets.contents.marked import MOST, Part, marked
from lepton_lab.datasets.contents.tokens import LONG, parts_of
from lepton_lab.datasets.labels import labelings
from lepton_lab.errors import DataError
from lepton_lab.runtime.words_input import read_words

TOKENS, TAGS = contents.get("tokens"), labelings.get("tags")


@pytest.mark.parametrize(
    "words", [("New York", "", "é", "\u2028", '"'), ("\ud83d", "half"), ("😂", "\0")]
)
def test_bytes_are_the_words_again_for_the_artifact(words):
    text, ranges = read_words(TOKENS.encoded(words), "punctuation", 99)
    assert len(ranges) == len(words)
    assert [text[a:b] for a, b in ranges] == [w.replace("\ud83d", "\ufffd") for w in words]


def test_a_check_tells_empty_texts_and_copies():
    checks = TOKENS.check([("a", "b"), ("a", "b"), ("a b",), (), ("", " ")])
    assert [c.code for c in checks] == ["", "", "", "empty", "empty"]
    assert checks[0].digest == checks[1].digest != checks[2].digest


def test_what_users_hand_to_predict():
    path = Path("x.txt")
    given = ["Anna left.", ["one", "two"], [["Anna", "left"], "Bob"], path, {"tokens": ["a", "b"]}]
    assert [TOKENS.inputs(one) for one in given] == [
        [("", "Anna left.")],
        [("", "one"), ("", "two")],
        [("", ["Anna", "left"]), ("", "Bob")],
        [("x.txt", path)],
        [("", ["a", "b"])],
    ]
    with pytest.raises(DataError, match="A int is no text"):
        TOKENS.inputs(3)
    with pytest.raises(DataError, match="is no text"):
        TOKENS.inputs([["a", 3]])


def test_labels_are_tags_with_both_marks_of_each_type():
    label = ("B-x", "I-x", "O")
    assert TAGS.names(label) == ("O", "B-x", "I-x")
    assert TAGS.names(("O",)) == ("O",)
    index = {"O": 0, "B-x": 1, "I-x": 2}
    assert TAGS.encode(label, index) == (1, 2, 0)
    assert [t.tolist() for t in TAGS.targets([(1, 2, 0), None])] == [[1, 2, 0], []]
    assert TAGS.words((1, 2, 0, 1), list(index)) == "2 x"
    assert TAGS.words((0,), list(index)) == "no entity"
    assert [TAGS.stratum(some) for some in (("O", "B-x", "B-y"), ("O",))] == ["x", ""]
    assert set(TAGS.indexes((1, 2, 1))) == {1, 2}


def test_a_type_without_its_inner_tag_in_train_is_known_whole(tmp_path):
    rows = [{"tokens": ["Rome"], "tags": ["B-place"]}, {"tokens": ["x"], "tags": ["O"]}]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    other = {"tokens": ["New", "York"], "tags": ["B-place", "I-place"]}
    (tmp_path / "val.jsonl").write_text(json.dumps(other))
    data = lab.data(str(tmp_path))
    assert data.classes == ("O", "B-place", "I-place")
    assert data.val.targets[0].tolist() == [1, 2]


def test_runs_of_words_share_a_mark():
    parts = parts_of(["a", "b", "c", "d", "e"], ["B-x", "I-x", "B-x", "O", "O"])
    assert parts == [Part("a b", "x"), Part("c", "x"), Part("d e")]


def test_marks_are_escaped_and_cut():
    shown = marked([Part("<script>", "<b>"), Part("&" * 2 * MOST), Part("never")])
    assert "<script" not in shown.html() and "<b>" not in shown.html()
    assert "never" not in shown.html() and len(shown.html()) < 6 * MOST
    assert shown.text().startswith("[<script>](<b>) &&")


def test_the_card_and_the_audit_say_what_is_special(tmp_path):
    rows = [{"tokens": ["Anna", "\u200b"], "tags": ["B-x", "O"]}]
    rows += [{"tokens": ["a"] * (LONG + 1), "tags": ["B-y"] + ["O"] * LONG}]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    data = lab.data(str(path), val=0.0, test=0.0)
    facts = TOKENS.facts(data)
    assert facts["entities"] == "x 1, y 1" and facts["words"].startswith(f"2 to {LONG + 1}")
    audit = data.audit()
    assert audit["long-text"].details == (f"{LONG + 1} words",)
    assert audit["invisible-words"].details == (repr("\u200b"),)
    assert "<mark" in data.show(2).html()
    assert np.array_equal(data.train.counts(), [2, 1, 0, 1, 0])
