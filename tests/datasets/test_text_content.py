# SPDX-License-Identifier: BSD-3-Clause
"""Texts as content: what users hand over, what an artifact is sent, and what a page shows of them."""

from __future__ import annotations

import json

import pytest

from lepton_lab.datasets import data
from lepton_lab.datasets.contents.text import RECORD, check_texts, shortened, text_inputs
from lepton_lab.errors import DataError


def test_everything_that_is_text_can_be_handed_over(tmp_path):
    (tmp_path / "letter.txt").write_bytes("\ufeffDear Sir".encode())
    assert text_inputs("one") == [("text 1", "one")]
    assert text_inputs(("one", "other")) == [("text 1", ("one", "other"))]
    assert text_inputs(["one", ("a", "b")]) == [("text 1", "one"), ("text 2", ("a", "b"))]
    assert text_inputs(b"bytes") == [("text 1", "bytes")]
    assert text_inputs(tmp_path / "letter.txt") == [("letter.txt", "Dear Sir")]
    for wrong in (7, [1, 2], {"a": 1}, tmp_path / "none.txt"):
        with pytest.raises(DataError):
            text_inputs(wrong)


def test_what_is_sent_is_what_is_read():
    assert RECORD.encoded("naïve 🙂") == "naïve 🙂".encode()
    assert json.loads(RECORD.encoded(("a", 'b"'))) == ["a", 'b"']
    assert RECORD.encoded("half \ud83d") == b"half ?"


def test_blank_texts_cannot_be_used_and_equal_ones_have_equal_digests():
    checks = check_texts(["", " \u00a0\n", "\ufeff\0", "a", "a", ("a", ""), ("", " ")])
    assert [check.code for check in checks] == ["no-text"] * 3 + [""] * 3 + ["no-text"]
    assert checks[3].digest == checks[4].digest != checks[5].digest


def test_a_tile_is_escaped_and_short():
    hostile = '<img src=x onerror="alert(1)"> \u202egnp.exe ' + "long " * 5000
    rows = [{"text": f"{hostile}{i}", "label": "<b>a</b>" if i % 2 else "b"} for i in range(12)]
    ds = data(rows, text="text")
    shown = ds.show(4)._repr_mimebundle_()
    assert "<img" not in shown["text/html"] and "<b>a</b>" not in shown["text/html"]
    assert len(RECORD.tile(ds.train, 0).html()) < 4000
    assert "\u202e" not in shortened(hostile)


def test_the_card_says_how_long_texts_are():
    rows = [{"text": "word " * (i + 1), "label": "ab"[i % 2]} for i in range(20)]
    card = repr(data(rows, text="text"))
    assert "20 texts" in card and "longest 20" in card


def test_data_of_a_notebook_are_the_same_when_they_come_back_from_a_run(tmp_path):
    from lepton_lab.datasets import handover

    single = [{"text": f'["text", "{i}"] naïve', "label": "ab"[i % 2]} for i in range(20)]
    pairs = [{"premise": f"text {i}", "hypothesis": "x", "label": "ab"[i % 2]} for i in range(20)]
    several = [{"text": f"text {i}", "label": ["a", "b"][: i % 3]} for i in range(30)]
    scores = [{"text": f"some more text {i}", "label": i / 7} for i in range(30)]
    for number, rows in enumerate((single, pairs, several, scores)):
        ds = data(rows)
        handover.save(ds, tmp_path / str(number))
        again = handover.load(tmp_path / str(number))
        assert again.fingerprint() == ds.fingerprint() and again.labels == ds.labels
        for split, other in zip(ds.splits(), again.splits(), strict=True):
            assert [s.label for s in split] == [s.label for s in other]
            texts = [split.read(i) for i in range(len(split))]
            assert texts == [other.read(i) for i in range(len(other))]
