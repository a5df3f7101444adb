# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_lab.runtime.errors import BundleError, InputError
from lepton_lab.runtime.inputs import preparer
from tests.runtime.tokenizers_of_tests import tokenizer_json

FILES = {
    kind: {"tokenizer.json": tokenizer_json(kind)} for kind in ("wordpiece", "bytes", "metaspace")
}
LONG = [
    *[
        "Anna",
        "from",
        "Berlin",
        "visits",
        "the",
        "universalization",
        "office",
        "of",
        "Acme",
        "in",
        "Paris",
        ".",
    ]
]


def make(kind="wordpiece", **changes):
    rule = {
        "kind": "words",
        "tokenizer": "tokenizer.json",
        "inputs": ["input_ids", "attention_mask", "token_type_ids"],
        "max_length": 64,
        "stride": 16,
        "max_windows": 16,
        "split": "punctuation",
        "pad": 0,
    }
    return preparer({**rule, **changes}, FILES[kind])


def text_of(row, word):
    return row["text"].tobytes().decode()[slice(*row["offsets"][word])]


def test_each_word_is_found_again_at_its_first_sub_word():
    made = make()
    row = made.prepare("Anna's universalization, in Paris!")
    words = [text_of(row, i) for i in range(len(row["offsets"]))]
    assert words == ["Anna", "'s", "universalization", ",", "in", "Paris", "!"]
    at = [made.tokenizer.id_to_token(int(row["input_ids"][0, place])) for place in row["place"]]
    for word, piece in zip(words, at, strict=True):
        assert word.lower().startswith(piece) or piece == "[UNK]"
        assert not piece.startswith("##")
    assert row["input_ids"].shape[1] > len(words) + 2, "some word has several sub-words"


@pytest.mark.parametrize("kind", list(FILES))
def test_places_are_those_of_transformers(kind):
    """Its fast tokenizers tell the word of each sub-word; the first of each is the one that counts."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    made = make(kind, max_length=500)
    theirs = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(made.tokenizer.to_str()))
    owners = theirs(LONG, is_split_into_words=True, truncation=False).word_ids()
    first = [owners.index(word) for word in range(len(LONG))]
    row = made.prepare(LONG)
    assert row["input_ids"].shape[0] == 1
    assert row["place"].tolist() == first


@pytest.mark.parametrize("kind", ["bytes", "metaspace"])
def test_a_word_of_a_list_has_the_sub_words_that_it_has_behind_a_blank(kind):
    made = make(kind)
    row = made.prepare(["in", "Paris", "Paris"])
    pieces = [made.tokenizer.id_to_token(int(i)) for i in row["input_ids"][0]]
    assert pieces[row["place"][1]] == pieces[row["place"][2]]
    assert pieces[row["place"][0]][0] == pieces[row["place"][1]][0] in "Ġ▁"


def test_a_string_and_its_words_and_their_bytes_are_the_same_sentence(tmp_path):
    made, words = make(split="whitespace"), ["Anna", "lives", "in", "Paris"]
    text = " ".join(words)
    path = tmp_path / "a.txt"
    path.write_text("\ufeff" + text, "utf-8")
    given = [text, text.encode(), json.dumps(words).encode(), tuple(words), path]
    rows = [made.prepare(one) for one in given]
    for row in rows[1:]:
        for name, values in rows[0].items():
            assert np.array_equal(values, row[name]), name


def test_a_long_sentence_is_read_in_windows_that_lose_no_word():
    made, whole = make(max_length=12, stride=4), make(max_length=200)
    words = LONG * 4
    row, once = made.prepare(words), whole.prepare(words)
    assert row["input_ids"].shape[0] > 4 and once["input_ids"].shape[0] == 1
    assert row["unread"] == 0
    found = row["input_ids"][row["window"], row["place"]]
    assert np.array_equal(found, once["input_ids"][once["window"], once["place"]])


def test_a_word_is_read_where_it_stands_farthest_from_the_edges():
    made = make(max_length=12, stride=6)
    row = made.prepare(["Paris"] * 30)
    length = int(row["attention_mask"][0].sum())
    inner = (row["window"] > 0) & (row["window"] < row["window"].max())
    edges = np.minimum(row["place"] - 1, length - 2 - row["place"])
    assert edges[inner].min() >= 2


@given(st.integers(0, 60), st.integers(6, 20), st.integers(0, 8), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_any_length_and_any_window_reads_all_words(count, length, stride, seed):
    made, whole = make(max_length=length, stride=stride, max_windows=999), make(max_length=500)
    words = [LONG[i] for i in np.random.default_rng(seed).integers(0, len(LONG), count)]
    row, once = made.prepare(words), whole.prepare(words)
    found = row["input_ids"][row["window"], row["place"]]
    assert np.array_equal(found, once["input_ids"][once["window"], once["place"]])


def test_what_is_beyond_the_last_window_is_counted():
    made = make(max_length=12, stride=4, max_windows=2)
    row = made.prepare(["Paris"] * 100)
    read = row["window"] >= 0
    last = int(np.flatnonzero(read)[-1])
    assert 0 < last < 99 and not read[last + 1 :].any()
    assert len(row["window"]) == 100
    assert row["unread"] == len("Paris ") * (99 - last)
    assert len(row["input_ids"]) == 2


def test_a_million_characters_are_read_as_far_as_the_windows_go():
    made = make(max_length=64, max_windows=4)
    for text in ("Paris " * 170_000, "P" * 1_000_000, ".," * 500_000, "a" + ".," * 500_000):
        row = made.prepare(text)
        assert row["input_ids"].shape[0] <= 4 and len(row["offsets"]) < 1000
    assert made.prepare("Paris " * 170_000)["unread"] > 1_000_000


def test_a_word_that_the_tokenizer_drops_has_no_place():
    row = make().prepare(["Anna", "\u200b", "", "Paris"])
    assert (row["window"] >= 0).tolist() == [True, False, False, True]
    assert row["unread"] == 0


def test_half_a_surrogate_pair_does_not_move_the_others():
    row = make().prepare("a \ud83d Paris")
    assert text_of(row, 2) == "Paris"
    assert row["offsets"].tolist()[-1] == [4, 9]


def test_an_empty_text_is_a_sentence_without_words():
    row = make().prepare("")
    assert row["offsets"].shape == (0, 2) and row["input_ids"].shape == (1, 2)


def test_a_batch_is_padded_and_its_windows_stand_under_one_another():
    made = make(max_length=12, stride=4)
    rows = [made.prepare(LONG * 2), made.prepare("Anna")]
    batch = made.collate(rows)
    windows = len(rows[0]["input_ids"])
    assert batch["input_ids"].shape == (windows + 1, 12)
    assert batch["attention_mask"][-1].sum() == rows[1]["attention_mask"].sum()
    assert set(batch) == {"input_ids", "attention_mask", "token_type_ids"}
    assert make(inputs=["input_ids"]).collate(rows).keys() == {"input_ids"}


def test_padding_has_the_id_that_the_rule_says():
    made = make(pad=7)
    batch = made.collate([made.prepare("Anna lives in Paris"), made.prepare("a")])
    assert batch["input_ids"][1, -1] == 7


def test_a_preparer_travels_to_a_loader_worker():
    made = make()
    again = pickle.loads(pickle.dumps(made))
    assert np.array_equal(again.prepare(LONG)["input_ids"], made.prepare(LONG)["input_ids"])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (5, "a int is neither a text nor a list of words"),
        (["a", 3], "a list is neither"),
        (b"\xff\xfe\x00", "no UTF-8"),
    ],
)
def test_what_is_no_text_is_said(source, said):
    with pytest.raises(InputError, match=said):
        make().prepare(source)


def test_a_missing_file_is_said_with_its_name(tmp_path):
    with pytest.raises(InputError, match=r"no\.txt"):
        make().prepare(tmp_path / "no.txt")


def test_a_damaged_tokenizer_is_said():
    rule = {
        "kind": "words", "split": "whitespace", "inputs": [], "max_windows": 1, "pad": 0, "tokenizer": "t",
    }  # fmt: skip
    for files in ({}, {"t": b"{}"}, {"t": b"no JSON"}, {"t": b"[]"}):
        with pytest.raises(BundleError, match="tokenizer"):
            preparer(rule, files)
