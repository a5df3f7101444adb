# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_lab.datasets.sources.tag_schemes import broken, kinds, tag_classes, tell_scheme, to_bio
from lepton_lab.metrics.entities import entities

ENTITIES = [
    ("PER", 1),
    ("LOC", 2),
    ("", 1),
    ("LOC", 1),
    ("LOC", 3),
    ("", 2),
    ("PER", 2),
    ("PER", 1),
]
WRITTEN = {
    "BIO": "B-PER B-LOC I-LOC O B-LOC B-LOC I-LOC I-LOC O O B-PER I-PER B-PER",
    "IOB1": "I-PER I-LOC I-LOC O I-LOC B-LOC I-LOC I-LOC O O I-PER I-PER B-PER",
    "BIOES": "S-PER B-LOC E-LOC O S-LOC B-LOC I-LOC E-LOC O O B-PER E-PER S-PER",
    "BILOU": "U-PER B-LOC L-LOC O U-LOC B-LOC I-LOC L-LOC O O B-PER L-PER U-PER",
}


def tags(text):
    return tuple(text.split())


@pytest.mark.parametrize("scheme", WRITTEN)
def test_one_sentence_in_each_scheme_is_told_and_made_the_same_bio(scheme):
    written = tags(WRITTEN[scheme])
    assert tell_scheme([written]) == scheme
    assert to_bio(written, scheme) == tags(WRITTEN["BIO"])
    assert broken(written, scheme) == []


def test_tags_without_marks_are_entities_where_there_is_an_o_and_words_where_there_is_none():
    assert tell_scheme([("PER", "O")]) == "IO"
    assert to_bio(("PER", "PER", "O", "LOC"), "IO") == ("B-PER", "I-PER", "O", "B-LOC")
    assert tell_scheme([("NOUN", "VERB", "NOUN")]) == "single"
    assert to_bio(("NOUN", "NOUN"), "single") == ("B-NOUN", "B-NOUN")


def test_parts_of_speech_that_begin_like_marks_are_no_marks():
    assert tell_scheme([("IN", "EX", "UH", "SYM", "NN-TL")]) == "single"


def test_marks_without_a_type_are_entities():
    assert to_bio(tags("B I O B"), tell_scheme([tags("B I O B")])) == tags(
        "B-entity I-entity O B-entity"
    )


def test_types_may_hold_hyphens_and_digits():
    assert to_bio(tags("B-work-of-art I-work-of-art O B-007"), "BIO") == tags(
        "B-work-of-art I-work-of-art O B-007"
    )
    assert tag_classes(kinds(tags("B-b I-b B-a"))) == ("O", "B-a", "I-a", "B-b", "I-b")


@pytest.mark.parametrize(
    ("scheme", "text", "places"),
    [
        ("BIO", "O I-PER", [1]),
        ("BIO", "I-PER I-PER", [0]),
        ("BIO", "B-PER I-LOC I-LOC", [1]),
        ("BIO", "B-PER PER O", [1]),
        ("IOB1", "O B-PER", [1]),
        ("IOB1", "I-LOC B-PER", [1]),
        ("BIOES", "B-PER O", [1]),
        ("BIOES", "B-PER", [0]),
        ("BIOES", "O E-PER S-PER I-PER", [1, 3]),
        ("BIOES", "B-PER E-LOC", [1]),
        ("BILOU", "U-PER L-PER", [1]),
        ("BILOU", "B-PER I-PER L-PER U-PER O", []),
    ],
)
def test_broken_sequences_are_found_where_they_break(scheme, text, places):
    assert broken(tags(text), scheme) == places


@given(
    st.lists(st.sampled_from(["O", "B-x", "I-x", "E-x", "S-x", "B-y", "I-y", "S-y"]), max_size=12)
)
def test_whatever_comes_is_read_as_the_metric_reads_it(sequence):
    made = to_bio(tuple(sequence), "BIOES")
    assert entities(made) == entities(sequence)
    assert broken(made, "BIO") == []
