# SPDX-License-Identifier: BSD-3-Clause
"""Text as input: strings or pairs of strings, as the token numbers of one model.

The tokenizer is a file of the checkpoint (`tokenizer.json`), run by the library that trained it; how long a
text may be and what fills up a batch is data. Text is cut from its end, never refused for being long.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .errors import BundleError, InputError
from .inputs import Row

# What no file can hold: half of a pair of UTF-16.
_HALVES = re.compile("[\ud800-\udfff]")


def read_text(source: Any, pair: bool = False) -> Any:
    """What a user gives as a text, or as a pair of texts.

    Args:
        source: A string is the text itself; bytes and paths hold it in UTF-8. For a pair two strings, or
            bytes or a string with a JSON list of two.
        pair: Whether the model compares two texts.

    Raises:
        InputError: It is neither.

    >>> read_text(b'["one", "two"]', pair=True), read_text("[1]")
    (('one', 'two'), '[1]')
    """
    if isinstance(source, os.PathLike):
        try:
            source = Path(source).read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError("missing", reason, Path(source).name) from error
    if isinstance(source, (bytes, bytearray, memoryview)):
        source = bytes(source).decode("utf-8-sig", "replace")
    if isinstance(source, str):
        if not pair:
            return _HALVES.sub("\ufffd", source)
        source = _parsed(source)
    if pair and isinstance(source, (list, tuple)) and len(source) == 2:
        one, other = source
        if isinstance(one, str) and isinstance(other, str):
            return _HALVES.sub("\ufffd", one), _HALVES.sub("\ufffd", other)
    wanted = 'two texts were expected, ["one", "other"],' if pair else "a text was expected,"
    raise InputError("not-a-text", f"{wanted} not {_said(source)}")


class TextPreparer:
    """Texts for one model.

    Args:
        preprocessing: Keys "tokenizer" (name of the file), "max_length" (tokens, special ones included),
            "characters" (of a text, what follows is not looked at), "pair", "inputs" (names of the arrays
            that the model takes) and "pad" (number of the token that fills up).
        files: Holds the tokenizer.

    Raises:
        BundleError: The tokenizer is missing or damaged, or its library is not installed.
    """

    def __init__(self, preprocessing: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        self.rule = preprocessing
        self._whole = tokenizer_of(preprocessing, files)
        self._cut = tokenizer_of(preprocessing, files)
        self._cut.enable_truncation(
            int(preprocessing["max_length"]), strategy="longest_first", direction="right"
        )

    def prepare(self, source: Any) -> Row:
        """One text: the arrays that the model takes, int64 (T,)."""
        encoding = self._encode(self._cut, source)
        row = {
            "input_ids": np.array(encoding.ids, np.int64),
            "attention_mask": np.array(encoding.attention_mask, np.int64),
            "token_type_ids": np.array(encoding.type_ids, np.int64),
        }
        if not len(encoding.ids):  # a tokenizer without special tokens, and nothing to say
            blank = np.zeros(1, np.int64)
            row = {"input_ids": blank + int(self.rule["pad"]), "attention_mask": blank + 1}
            row["token_type_ids"] = blank
        return {name: row[name] for name in self.rule["inputs"]}

    def stages(self, source: Any) -> Iterator[tuple[str, np.ndarray]]:
        """See `inputs.Staged`."""
        text = read_text(source, bool(self.rule.get("pair")))
        for one in text if isinstance(text, tuple) else (text,):
            yield "decode", np.frombuffer(one.encode("utf-8"), np.uint8)
        yield "tokenize", np.stack(list(self.prepare(source).values()))

    def collate(self, rows: Sequence[Row]) -> Row:
        """The arrays that the model takes, int64 (N, T), filled up to the longest text of the batch."""
        length = max(len(row["input_ids"]) for row in rows)
        batch = {}
        for name in self.rule["inputs"]:
            fill = int(self.rule["pad"]) if name == "input_ids" else 0
            batch[name] = np.full((len(rows), length), fill, np.int64)
            for place, row in zip(batch[name], rows, strict=True):
                place[: len(row[name])] = row[name]
        return batch

    def tokens(self, source: Any) -> int:
        """How many tokens a text has when nothing of it is cut off."""
        return len(self._encode(self._whole, source).ids)

    def _encode(self, tokenizer: Any, source: Any) -> Any:
        most = int(self.rule["characters"])
        text = read_text(source, bool(self.rule.get("pair")))
        if isinstance(text, tuple):
            return tokenizer.encode(text[0][:most], text[1][:most])
        return tokenizer.encode(text[:most])


def tokenizer_of(preprocessing: Mapping[str, Any], files: Mapping[str, bytes]) -> Any:
    """The tokenizer of a model, without padding and truncation of its own. Raises BundleError."""
    name = str(preprocessing["tokenizer"])
    if name not in files:
        raise BundleError("the tokenizer of the model is missing", name)
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise BundleError("texts need the package tokenizers: pip install tokenizers") from error
    try:
        found = Tokenizer.from_str(files[name].decode("utf-8"))
    except Exception as error:  # the library raises plain exceptions for a damaged file
        raise BundleError(f"is no tokenizer ({str(error)[:120]})", name) from error
    found.no_padding()
    found.no_truncation()
    return found


def _parsed(text: str) -> Any:
    """What stands in a JSON text; the text itself where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _said(source: Any) -> str:
    if isinstance(source, (list, tuple)):
        return f"a list of {len(source)}"
    return f"a {type(source).__name__}"


def make(preprocessing: Mapping[str, Any], files: Mapping[str, bytes]) -> TextPreparer:
    """See `inputs.preparer`."""
    return TextPreparer(preprocessing, files)
