# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_lab.metrics.entities import entities
from lepton_lab.runtime.inputs import preparer
from lepton_lab.runtime.outputs import output
from lepton_lab.runtime.spans_output import spans_of
from tests.runtime.tokenizers_of_tests import tokenizer_json

TAGS = ("O", "B-person", "I-person", "B-place", "I-place")
ALL_TAGS = (*TAGS, "S-place", "E-place", "E-person")
SPANS = output({"kind": "spans"}, TAGS)


def prepared(source, **changes):
    rule = {
        "kind": "words", "tokenizer": "tokenizer.json", "inputs": ["input_ids", "attention_mask"], "max_length": 64, "stride": 16,
        "max_windows": 8, "split": "punctuation", "pad": 0, **changes,
    }  # fmt: skip
    made = preparer(rule, {"tokenizer.json": tokenizer_json()})
    return made, [made.prepare(one) for one in source]


def certain(tags, share=0.9):
    """Probabilities (W, 5) that say these tags."""
    found = np.full((len(tags), 5), (1 - share) / 4, np.float32)
    found[np.arange(len(tags)), [TAGS.index(tag) for tag in tags]] = share
    return found


@given(st.lists(st.sampled_from(ALL_TAGS), max_size=12))
def test_spans_are_those_that_the_metric_counts(tags):
    assert spans_of(tags) == entities(tags)


def test_tags_without_marks_are_spans_of_neighbours():
    """Checkpoints of others may have any labels."""
    assert spans_of(["NOUN", "NOUN", "VERB"]) == [("NOUN", 0, 1), ("VERB", 2, 2)]
    assert spans_of(["LABEL_0"]) == [("LABEL_0", 0, 0)]


def test_an_answer_points_into_the_string_that_came():
    text = "  Bob Smith visits\nAnna's Paris."
    _, (row,) = prepared([text])
    tags = ["B-person", "I-person", "O", "B-person", "O", "B-place", "O"]
    answer = SPANS.answer({"probabilities": certain(tags)}, row)
    assert [(s.start, s.end, s.text, s.label) for s in answer] == [
        (2, 11, "Bob Smith", "person"),
        (19, 23, "Anna", "person"),
        (26, 31, "Paris", "place"),
    ]
    for span in answer:
        assert text[span.start : span.end] == span.text
        assert span.probability == pytest.approx(0.9)
    assert json.loads(json.dumps(answer.to_json()))["spans"][0]["text"] == "Bob Smith"
    assert str(answer).startswith('person "Bob Smith" 0.900, ')


def test_offsets_count_characters_beyond_the_basic_plane_as_one():
    _, (row,) = prepared(["😂😂 é Paris"])
    answer = SPANS.answer({"probabilities": certain(["O", "O", "B-place"])}, row)
    (span,) = answer
    assert (span.start, span.end, span.text) == (5, 10, "Paris")


def test_probability_is_the_mean_over_the_words_of_a_span():
    _, (row,) = prepared([["New", "York"]])
    values = certain(["B-place", "I-place"])
    values[1] = [0.05, 0.05, 0.05, 0.35, 0.5]
    (span,) = SPANS.answer({"probabilities": values}, row)
    assert span.probability == pytest.approx(0.7)
    assert span.text == "New York"


def test_outputs_are_read_at_the_first_sub_word_of_each_word_in_its_window():
    """The graph says for every sub-word its own place; the cut must give back the places of the rows."""
    sources = [["universalization", "Paris", "\u200b"] * 12, ["Anna"]]
    made, rows = prepared(sources, max_length=12, stride=4)
    batch = made.collate(rows)
    windows, length = batch["input_ids"].shape
    assert windows > 3
    said = np.arange(windows * length, dtype=np.float32).reshape(windows, length, 1)
    found = SPANS.cut({"probabilities": np.repeat(said, 5, axis=2)}, rows)
    first = rows[0]
    there = first["window"] >= 0
    expected = first["window"][there] * length + first["place"][there]
    assert np.array_equal(found[0]["probabilities"][there, 2], expected)
    assert found[1]["probabilities"][0, 2] == (windows - 1) * length + rows[1]["place"][0]
    assert [values["probabilities"].shape for values in found] == [(36, 5), (1, 5)]
    assert np.array_equal(found[0]["probabilities"][~there][:, 0], np.ones(12))
    assert not found[0]["probabilities"][~there][:, 1:].any()


def test_a_text_without_words_has_no_spans_and_no_gap():
    _, (row,) = prepared([""])
    values = {"probabilities": np.zeros((0, 5), np.float32)}
    assert len(SPANS.answer(values, row)) == 0
    assert str(SPANS.answer(values, row)) == "nothing found"
    assert SPANS.gap(SPANS.kept(values), values) == 0.0


def test_what_was_not_read_is_said():
    _, (row,) = prepared(["Paris " * 300], max_windows=1)
    values = {"probabilities": certain(["O"] * len(row["window"]))}
    answer = SPANS.answer(values, row)
    assert answer.unread > 500 and "were not read" in str(answer)
    assert answer.to_json()["unread"] == answer.unread


def test_a_golden_answer_is_as_far_as_the_probability_of_its_tag_has_moved():
    values = {"probabilities": certain(["B-place", "O"])}
    kept = json.loads(json.dumps(SPANS.kept(values)))
    assert SPANS.gap(kept, values) < 1e-5
    moved = {"probabilities": values["probabilities"].copy()}
    moved["probabilities"][1, 0] -= 0.2
    assert SPANS.gap(kept, moved) == pytest.approx(0.2, abs=1e-5)
    assert SPANS.gap(kept, {"probabilities": certain(["B-place"])}) == float("inf")


def test_a_golden_answer_stays_small():
    values = {"probabilities": certain(["O"] * 5000)}
    assert len(json.dumps(SPANS.kept(values))) < 4000
