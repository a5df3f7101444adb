# SPDX-License-Identifier: BSD-3-Clause
"""Sentences: the words of each, as somebody split them.

As bytes a sentence is the JSON list of its words, so that an artifact sees the words of the data and
not what a rule would make of a string.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.datasets.checking import Check, digest_of
from lepton_lab.datasets.content import Content
from lepton_lab.datasets.contents.marked import Part, marked
from lepton_lab.datasets.records import Finding, plural
from lepton_lab.errors import DataError
from lepton_lab.rendering import Markup

if TYPE_CHECKING:
    from lepton_lab.datasets.dataset import Dataset
    from lepton_lab.datasets.splits import Split

LONG = 300
_INVISIBLE = ("C", "Z", "M")


def _check(payloads: Sequence[Sequence[str]]) -> list[Check]:
    return [_look(words) for words in payloads]


def _look(words: Sequence[str]) -> Check:
    data = _encoded(words)
    if not any(word.strip() for word in words):
        return Check(len(data), code="empty", reason="there is no word")
    return Check(len(data), digest_of(data))


def _encoded(words: Sequence[str]) -> bytes:
    try:
        return json.dumps(list(words), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(list(words)).encode("utf-8")


def _inputs(source: Any) -> list[tuple[str, Any]]:
    """Texts and lists of words: a string is a text, a list of strings several texts."""
    if isinstance(source, (str, bytes, bytearray)):
        return [("", source)]
    if isinstance(source, os.PathLike):
        return [(Path(source).name, source)]
    if isinstance(source, Mapping) and ("tokens" in source or "text" in source):
        return [("", source.get("tokens") or source["text"])]
    if isinstance(source, Iterable) and not isinstance(source, Mapping):
        return [_one(item) for item in source]
    raise DataError(
        f"A {type(source).__name__} is no text.",
        "Give a string, a list of strings, or a list of lists of words.",
        'model.predict("Anna lives in Paris.")',
    )


def _one(item: Any) -> tuple[str, Any]:
    if isinstance(item, (list, tuple)) and all(isinstance(word, str) for word in item):
        return "", list(item)
    found = _inputs(item)
    if len(found) != 1:
        raise DataError(f"A {type(item).__name__} is no text.", "Lists may be nested once.")
    return found[0]


def _tile(split: Split, index: int) -> Markup:
    """The words, with those of an entity marked."""
    words, label = split.read(index), split[index].label
    tags = ["O"] * len(words) if label is None else [split.classes[tag] for tag in label]
    return marked(parts_of(words, tags))


def parts_of(words: Sequence[str], tags: Sequence[str]) -> list[Part]:
    """Runs of words with the type of their entity, "" outside of any; tags in BIO."""
    parts: list[Part] = []
    for word, tag in zip(words, tags, strict=True):
        kind = "" if tag == "O" else tag[2:]
        if parts and parts[-1].label == kind and not tag.startswith("B-"):
            parts[-1] = Part(f"{parts[-1].text} {word}", kind)
        else:
            parts.append(Part(word, kind))
    return parts


def _facts(dataset: Dataset) -> dict[str, str]:
    lengths = np.array([len(s.payload) for split in dataset.splits() for s in split])
    found = Counter(
        dataset.classes[tag][2:]
        for split in dataset.splits()
        for s in split
        for tag in s.label or ()
        if dataset.classes[tag].startswith("B-")
    )
    if not len(lengths):
        return {}
    named = ", ".join(f"{kind} {count}" for kind, count in found.most_common(8))
    words = f"{lengths.min()} to {lengths.max()}, median {int(np.median(lengths))} per text"
    return {"words": words, "entities": named or "none"}


def _rules(dataset: Dataset) -> list[Finding]:
    """Texts that most models read in parts, and words that no tokenizer sees."""
    samples = [sample for split in dataset.splits() for sample in split]
    found = []
    long = [s for s in samples if len(s.payload) > LONG]
    if long:
        what = plural(len(long), "text has", "texts have") + f" more than {LONG} words."
        done = "Read in overlapping windows where a model takes fewer tokens."
        ids = tuple(s.id for s in long)
        details = tuple(plural(len(s.payload), "word") for s in long)
        found.append(Finding("long-text", "info", len(long), what, done, ids, details))
    blank = [(s.id, word) for s in samples for word in s.payload if not _is_visible(word)]
    if blank:
        what = (
            plural(len(blank), "word is", "words are") + " empty or of invisible characters alone."
        )
        done = "Tokenizers drop such words; they count as outside of every entity."
        ids, words = zip(*blank, strict=True)
        details = tuple(repr(word)[:40] for word in words)
        found.append(Finding("invisible-words", "warning", len(blank), what, done, ids, details))
    return found


def _is_visible(word: str) -> bool:
    return any(unicodedata.category(character)[0] not in _INVISIBLE for character in word)


RECORD = Content(
    name="tokens",
    noun="text",
    nouns="texts",
    check=_check,
    read=list,
    encoded=_encoded,
    inputs=_inputs,
    tile=_tile,
    facts=_facts,
    rules=(_rules,),
)
