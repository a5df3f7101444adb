# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_lab.magics.scan import find, scan, short, split
from lepton_lab.magics.verbs import verbs

TRAIN = verbs.get("train")


def test_words_follow_the_rules_of_a_shell() -> None:
    assert split("""a 'b c' "d'e" f\\ g h#i""") == ["a", "b c", "d'e", "f g", "h#i"]
    with pytest.raises(ValueError, match="quotation"):
        split("a 'b")


def test_on_windows_a_backslash_is_part_of_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    assert split(r"data C:\photos\new 'D:\my photos'") == [
        "data",
        r"C:\photos\new",
        r"D:\my photos",
    ]


def test_a_half_written_line_says_what_would_come_next() -> None:
    assert scan(TRAIN, ["a", "--lr"]).awaiting is TRAIN.options["learning_rate"]
    assert scan(TRAIN, ["a", "--keep-best"]).awaiting is None
    assert scan(TRAIN, ["a", "--"]).literal


@given(st.lists(st.text(max_size=8) | st.sampled_from(["--", "--lr", "--epochs=", "=", "--no-x"])))
def test_no_word_is_lost_or_raises(words: list[str]) -> None:
    state = scan(TRAIN, words)
    told = len(state.positionals) + len(state.given) + len(state.problems)
    told += state.literal + state.help + (state.awaiting is not None)
    assert told or not words
    assert set(state.given) <= set(TRAIN.options)
    assert set(state.positionals) <= set(words)


def test_a_repaired_line_is_one_that_scans_clean() -> None:
    wrong = [
        ["a", "b", "--epoch=3"],
        ["a", "--epochs", "=", "3", "b"],
        ["a", "b", "--optimzer", "sgd"],
        ["--no-dedupe=1", "a"],
    ]
    for words in wrong:
        (problem,) = [problem for problem in scan(TRAIN, words).problems if problem.repaired]
        assert scan(TRAIN, problem.repaired).problems == []


def test_an_option_is_found_by_name_alias_and_negation() -> None:
    assert find(TRAIN, "lr") == (TRAIN.options["learning_rate"], False)
    assert find(TRAIN, "learning_rate") == find(TRAIN, "learning-rate")
    assert find(TRAIN, "no-keep-best") == (TRAIN.options["keep_best"], True)
    assert find(TRAIN, "no-such") == (None, False)


def test_a_word_in_a_message_is_visible_and_short() -> None:
    assert short("a\nb\x00") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert len(short("x" * 1000)) == 60
