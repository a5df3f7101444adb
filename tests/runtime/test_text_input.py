# SPDX-License-Identifier: BSD-3-Clause
"""From a string to token numbers without torch: pairs, truncation, padding, and what no tokenizer expects."""

from __future__ import annotations

import numpy as np
import pytest

from lepton_lab.runtime.errors import BundleError, InputError
from lepton_lab.runtime.inputs import preparer
from lepton_lab.runtime.text_input import read_text
from tests.tiny_texts import make_tokenizer

RULE = {
    "kind": "text", "tokenizer": "tokenizer.json", "max_length": 8, "characters": 1000, "pair": False,
    "inputs": ["input_ids", "attention_mask", "token_type_ids"], "pad": 0,
}  # fmt: skip
CLS, SEP, UNKNOWN = 2, 3, 1


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {"tokenizer.json": make_tokenizer().to_str().encode()}


def test_a_text_becomes_what_the_tokenizer_says(files):
    row = preparer(RULE, files).prepare("Soup TODAY")
    words = make_tokenizer()
    assert row["input_ids"].tolist() == [
        CLS,
        words.token_to_id("soup"),
        words.token_to_id("today"),
        SEP,
    ]
    assert row["attention_mask"].tolist() == [1] * 4 and row["input_ids"].dtype == np.int64


def test_long_texts_are_cut_and_counted(files):
    ready = preparer(RULE, files)
    assert len(ready.prepare("soup " * 50)["input_ids"]) == 8 and ready.tokens("soup " * 50) == 52
    assert len(ready.prepare("x" * 1_000_000)["input_ids"]) == 3
    assert ready.tokens("tea " * 1_000_000) == 252  # of the first thousand characters


def test_a_batch_is_filled_up_to_its_longest_text(files):
    ready = preparer(RULE, files)
    batch = ready.collate([ready.prepare(text) for text in ("soup", "soup and tea", "")])
    assert {values.shape for values in batch.values()} == {(3, 5)}
    assert batch["attention_mask"].sum(axis=1).tolist() == [3, 5, 2]
    assert batch["input_ids"][2].tolist() == [CLS, SEP, 0, 0, 0]


def test_pairs_come_as_tuples_or_json_and_share_the_room(files):
    ready = preparer({**RULE, "pair": True}, files)
    row = ready.prepare(("soup", "tea"))
    assert row["token_type_ids"].tolist() == [0, 0, 0, 1, 1]
    for same in (["soup", "tea"], b'["soup", "tea"]', '["soup", "tea"]'):
        assert ready.prepare(same)["input_ids"].tolist() == row["input_ids"].tolist()
    both = ready.prepare(("soup " * 9, "tea " * 9))["token_type_ids"].tolist()
    assert both == [0, 0, 0, 0, 0, 1, 1, 1] or both == [0, 0, 0, 0, 1, 1, 1, 1]
    for wrong in ("no pair", b"[1, 2]", ("a", "b", "c"), 7):
        with pytest.raises(InputError, match="two texts"):
            ready.prepare(wrong)


def test_strange_characters_are_read(files, tmp_path):
    ready = preparer(RULE, files)
    for text in ("", " ", "\0", "\ud83d half", "\u202eabc", "👩‍👩‍👧", "\ufeff", "a\u2028b"):
        assert ready.prepare(text)["input_ids"][0] == CLS
    (tmp_path / "t.txt").write_bytes("\ufeffsoup".encode())
    assert len(ready.prepare(tmp_path / "t.txt")["input_ids"]) == 3
    assert ready.prepare(b"\xff\xfe")["input_ids"][-1] == SEP
    with pytest.raises(InputError, match=r"none\.txt"):
        ready.prepare(tmp_path / "none.txt")
    with pytest.raises(InputError, match="not a list of 2"):
        ready.prepare(["a", "b"])
    assert read_text("[1]") == "[1]"


def test_nothing_to_say_is_one_padding_where_there_are_no_special_tokens():
    bare = make_tokenizer(special=False)
    ready = preparer(RULE, {"tokenizer.json": bare.to_str().encode()})
    row = ready.prepare("")
    assert row["input_ids"].tolist() == [0] and row["attention_mask"].tolist() == [1]
    assert ready.collate([row, ready.prepare("soup tea")])["input_ids"].shape == (2, 2)


def test_padding_and_truncation_in_the_file_are_not_followed():
    own = make_tokenizer()
    own.enable_padding(length=30)
    own.enable_truncation(3)
    ready = preparer(RULE, {"tokenizer.json": own.to_str().encode()})
    assert len(ready.prepare("soup and tea")["input_ids"]) == 5


def test_a_missing_or_damaged_tokenizer_is_named():
    with pytest.raises(BundleError, match=r"tokenizer\.json"):
        preparer(RULE, {})
    with pytest.raises(BundleError, match="is no tokenizer"):
        preparer(RULE, {"tokenizer.json": b"{}"})
