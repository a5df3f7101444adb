# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_lab.runtime.errors import BundleError
from lepton_lab.runtime.words import RULES, split_words


def words(text, rule="punctuation"):
    return [text[a:b] for a, b in split_words(text, rule)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Paris.", ["Paris", "."]),
        ("(New York)", ["(", "New", "York", ")"]),
        ("Anna's", ["Anna", "'s"]),
        ("first-ever don't", ["first-ever", "don't"]),
        ("@NBC2: #Collier!", ["@NBC2", ":", "#Collier", "!"]),
        ("see http://bit.ly/aTT/, ok", ["see", "http://bit.ly/aTT/", ",", "ok"]),
        ("the U.S. and J. Doe", ["the", "U.S.", "and", "J.", "Doe"]),
        ("wait... what?!", ["wait", "...", "what", "?", "!"]),
        ("Rome—Athens", ["Rome", "—", "Athens"]),
        ("我在北京", ["我", "在", "北", "京"]),
        ("हिन्दी में।", ["हिन्दी", "में", "।"]),
        ("50% of $7", ["50", "%", "of", "$", "7"]),
        ("snake_case _x_", ["snake_case", "_x_"]),
        ("  \n\t ", []),
        ("", []),
    ],
)
def test_marks_at_the_edges_are_words_of_their_own(text, expected):
    assert words(text) == expected


def test_between_blanks_everything_stays():
    assert words("Anna's (U.S.)\u00a0home.", "whitespace") == ["Anna's", "(U.S.)", "home."]


@given(st.text(max_size=40), st.sampled_from(RULES))
@settings(deadline=None)
def test_no_character_but_blanks_is_lost_and_none_is_used_twice(text, rule):
    found = list(split_words(text, rule))
    assert all(a < b for a, b in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    assert "".join(text[a:b] for a, b in found) == "".join(text.split())


def test_an_unknown_rule_is_told_at_once():
    with pytest.raises(BundleError, match="'vowels'"):
        split_words("", "vowels")
