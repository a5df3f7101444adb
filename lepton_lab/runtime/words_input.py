# SPDX-License-Identifier: BSD-3-Clause
"""Words as input: a string or a list of words in, sub-words for a tagger out, nothing cut off in silence.

The label of a word is read at its first sub-word. A sentence with more sub-words than the model
takes is read in overlapping windows, and each word in the window where it stands farthest from the
edges. A row remembers where each word is found again, and which characters of the string it covers.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from .errors import BundleError, InputError
from .text_input import tokenizer_of
from .words import split_words

Row = dict[str, np.ndarray]
_LONGEST_WORD = 256  # characters that the tokenizer sees; its first sub-word decides
_HALVES = re.compile("[\ud800-\udfff]")
_TABLE = ("input_ids", "attention_mask", "token_type_ids")


class WordsPreparer:
    """Sentences for one model.

    Args:
        rule: "inputs" (names that the model takes), "max_length" (sub-words of a window, with the
            special ones), "stride" (sub-words that two windows share), "max_windows" (per sentence),
            "split" (see `words.split_words`), "pad" (id of the padding), "tokenizer" (its file).
        files: Holds the tokenizer.

    Raises:
        BundleError: The tokenizer is missing or damaged, or the rule is of another runtime.
    """

    def __init__(self, rule: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        self.split = str(rule["split"])
        split_words("", self.split)  # an unknown rule is told now
        self.inputs = tuple(rule["inputs"])
        self.max_windows = int(rule["max_windows"])
        self.pad = int(rule["pad"])
        unknown = set(self.inputs) - set(_TABLE)
        if unknown:
            raise BundleError(f"takes inputs that this runtime does not make: {sorted(unknown)}")
        self.tokenizer = tokenizer_of(rule, _with_word_starts(rule, files))
        room = int(rule["max_length"]) - self.tokenizer.num_special_tokens_to_add(False)
        self.stride = min(int(rule["stride"]), room // 2)
        self.step = room - self.stride
        self.tokenizer.enable_truncation(int(rule["max_length"]), stride=self.stride)

    def prepare(self, source: Any) -> Row:
        """One sentence of W words in K windows of T sub-words.

        Args:
            source: A string, its UTF-8 bytes, a path to them, or a list of words (as JSON too).

        Returns:
            "input_ids" and its companions, int64 (K, T); "window" and "place", int64 (W,), where the
            first sub-word of each word is, -1 where it has none; "offsets", int64 (W, 2), and "text",
            the UTF-8 bytes of the string that they point into; "unread", int64 (), the number of
            its characters beyond the last window.

        Raises:
            InputError: It is neither text nor words.
        """
        most = self.max_windows * self.step + self.stride  # words that fit if each is one sub-word
        text, words = read_words(source, self.split, most + 1)
        pieces = [text[a : min(b, a + _LONGEST_WORD)] for a, b in words[:most]]
        first = self.tokenizer.encode(pieces, is_pretokenized=True)
        windows = [first, *first.overflowing]
        lost = len(windows) > self.max_windows or len(words) > most
        windows = windows[: self.max_windows]
        window, place = self._places(windows, len(words))
        last = max((w for w in windows[-1].word_ids if w is not None), default=0)
        unread = len(text) - words[last][1] if lost else 0
        return {
            **self._table(windows),
            "window": window,
            "place": place,
            "offsets": np.array(words, np.int64).reshape(-1, 2),
            "text": np.frombuffer(text.encode("utf-8"), np.uint8),
            "unread": np.array(unread, np.int64),
        }

    def stages(self, source: Any) -> Iterator[tuple[str, np.ndarray]]:
        """See `inputs.Staged`."""
        text, words = read_words(source, self.split, self.max_windows * self.step + self.stride + 1)
        yield "decode", np.frombuffer(text.encode("utf-8"), np.uint8)
        yield "split into words", np.array(words, np.int64)
        row = self.prepare(source)
        yield "tokenize", np.stack([row[name] for name in self.inputs])
        yield "places of words", np.stack([row["window"], row["place"]])

    def collate(self, rows: Sequence[Row]) -> Row:
        """The windows of all sentences under one another, padded to the longest: int64 (sum of K, T)."""
        width = max(row["input_ids"].shape[1] for row in rows)
        batch = {}
        for name in self.inputs:
            fill = self.pad if name == "input_ids" else 0
            parts = [
                np.pad(row[name], ((0, 0), (0, width - row[name].shape[1])), constant_values=fill)
                for row in rows
            ]
            batch[name] = np.concatenate(parts)
        return batch

    def _table(self, windows: Sequence[Any]) -> Row:
        width = max(len(found.ids) for found in windows)
        table = {
            "input_ids": np.full((len(windows), width), self.pad, np.int64),
            "attention_mask": np.zeros((len(windows), width), np.int64),
            "token_type_ids": np.zeros((len(windows), width), np.int64),
        }
        for row, found in enumerate(windows):
            length = len(found.ids)
            table["input_ids"][row, :length] = found.ids
            table["attention_mask"][row, :length] = 1
            table["token_type_ids"][row, :length] = found.type_ids
        return {name: table[name] for name in self.inputs}

    def _places(self, windows: Sequence[Any], count: int) -> tuple[np.ndarray, np.ndarray]:
        """Window and place of the first sub-word of each word, in the window that surrounds it best."""
        begins: dict[int, int] = {}
        best = np.full(count, -1, np.int64)
        window, place = best.copy(), best.copy()
        last = len(windows) - 1
        for number, found in enumerate(windows):
            owners = [(at, word) for at, word in enumerate(found.word_ids) if word is not None]
            for inside, (at, word) in enumerate(owners):
                if (
                    begins.setdefault(word, number * self.step + inside)
                    != number * self.step + inside
                ):
                    continue
                before = inside if number else len(owners)
                after = len(owners) - 1 - inside if number < last else len(owners)
                if min(before, after) > best[word]:
                    best[word], window[word], place[word] = min(before, after), number, at
        return window, place


def read_words(source: Any, rule: str, most: int) -> tuple[str, list[tuple[int, int]]]:
    """The string that `source` stands for, and where its words are; a list is joined by blanks.

    Args:
        source: See `WordsPreparer.prepare`.
        rule: See `words.split_words`.
        most: A string is split into that many words at most; a list keeps all of its own.

    Raises:
        InputError: It is neither text nor words.

    >>> read_words(["New York", "!"], "whitespace", 9)
    ('New York !', [(0, 8), (9, 10)])
    """
    if isinstance(source, os.PathLike):
        source = _content(Path(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        source = _decoded(bytes(source))
    if isinstance(source, str):
        text = _whole(source)
        return text, list(islice(split_words(text, rule), most))
    if isinstance(source, (list, tuple)) and all(isinstance(word, str) for word in source):
        words, at = [], 0
        clean = [_whole(word) for word in source]
        for word in clean:
            words.append((at, at + len(word)))
            at += len(word) + 1
        return " ".join(clean), words
    raise InputError("not-text", f"a {type(source).__name__} is neither a text nor a list of words")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError("missing", f"cannot be read ({reason})", path.name) from error


def _decoded(data: bytes) -> str | list[str]:
    """The words of a JSON list of strings, or else the text itself."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("not-text", f"the bytes are no UTF-8 text ({error.reason})") from error
    if text.lstrip().startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if isinstance(found, list) and all(isinstance(word, str) for word in found):
            return found
    return text


def _whole(text: str) -> str:
    """The text with a replacement character for each half of a surrogate pair, as long as before."""
    return _HALVES.sub("\N{REPLACEMENT CHARACTER}", text)


def _with_word_starts(rule: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The tokenizer's file, changed so that every word of a list begins as it would behind a blank."""
    name = str(rule["tokenizer"])
    try:
        about = json.loads(files[name])
        _mark_word_starts(about.get("pre_tokenizer"))
    except (KeyError, ValueError, AttributeError, RecursionError):
        return dict(files)  # `tokenizer_of` says what is wrong with it
    return {name: json.dumps(about).encode()}


def _mark_word_starts(step: Any) -> None:
    """Byte-level and SentencePiece tokenizers write the blank into the first sub-word of a word.

    In a list of words there is none, so that "Paris" would become another sub-word than in a text.
    """
    if not isinstance(step, dict):
        return
    if step.get("type") == "ByteLevel":
        step["add_prefix_space"] = True
    if step.get("type") == "Metaspace":
        step["prepend_scheme"] = "always"
    for inner in step.get("pretokenizers", ()):
        _mark_word_starts(inner)


def make(preprocessing: Mapping[str, Any], files: Mapping[str, bytes]) -> WordsPreparer:
    """See `inputs.preparer`."""
    return WordsPreparer(preprocessing, files)
