# SPDX-License-Identifier: BSD-3-Clause
"""Texts, and pairs of texts: strings as their author wrote them."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.datasets.checking import Check, digest_of
from lepton_lab.datasets.content import Content
from lepton_lab.datasets.records import Finding, number, plural
from lepton_lab.errors import DataError
from lepton_lab.rendering import Markup, escape, visible

if TYPE_CHECKING:
    from lepton_lab.datasets.dataset import Dataset
    from lepton_lab.datasets.splits import Split

SHOWN = 200
LONG = 100_000
_PAIRS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What is known of a text: its length in characters and in words."""

    characters: int
    words: int


def check_texts(payloads: Sequence[Any]) -> list[Check]:
    """Sizes and digests; a text of spaces alone cannot be used."""
    return [_check(payload) for payload in payloads]


def text_inputs(source: Any) -> list[tuple[str, Any]]:
    """All texts that `source` stands for: a string, a pair, a list of either, a column, a split.

    A string is the text itself; the content of a file is read through a `Path`.

    Raises:
        DataError: It is no text.
    """
    if isinstance(source, str) or _is_pair(source):
        return [("text 1", source)]
    if isinstance(source, os.PathLike):
        path = Path(source).expanduser()
        try:
            return [(path.name, path.read_bytes().decode("utf-8-sig", "replace"))]
        except OSError as error:
            what = f'The file "{path}" cannot be read.'
            raise DataError(what, error.strerror or str(error)) from error
    if isinstance(source, (bytes, bytearray)):
        return [("text 1", bytes(source).decode("utf-8-sig", "replace"))]
    if hasattr(source, "read") and hasattr(source, "samples"):
        return [(sample.id, source.read(i)) for i, sample in enumerate(source.samples)]
    if hasattr(source, "tolist"):
        source = source.tolist()
    if isinstance(source, (list, tuple)):
        made = [one for item in source for one in text_inputs(item)]
        return [
            (f"text {i}" if name == "text 1" else name, text)
            for i, (name, text) in enumerate(made, 1)
        ]
    raise DataError(
        f"A {type(source).__name__} is no text.",
        "Give a string, a pair of strings as a tuple, or a list of these.",
        'model.predict("what a lovely day")',
    )


def encoded_text(payload: Any) -> bytes:
    """UTF-8, as an artifact takes it; a pair is a JSON list."""
    if isinstance(payload, bytes):
        return payload
    text = payload if isinstance(payload, str) else json.dumps(list(payload), ensure_ascii=False)
    return text.encode("utf-8", "replace")


def read_text(payload: Any) -> Any:
    """A string or a pair of strings, also from the bytes that `encoded_text` made of it.

    >>> read_text(encoded_text("one")), read_text(encoded_text(("one", "other")))
    ('one', ('one', 'other'))
    """
    if not isinstance(payload, bytes):
        return payload
    text = payload.decode("utf-8", "replace")
    if text.startswith('["'):
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(text)
            pair = tuple(found) if isinstance(found, list) else ()
            if _is_pair(pair) and encoded_text(pair) == payload:
                return pair
    return text


def parts_of(payload: Any) -> tuple[str, ...]:
    """The one or two strings of a sample."""
    text = read_text(payload)
    return (text,) if isinstance(text, str) else tuple(text)


def _is_pair(source: Any) -> bool:
    return (
        isinstance(source, tuple) and len(source) == 2 and all(isinstance(s, str) for s in source)
    )


def _check(payload: Any) -> Check:
    parts = parts_of(payload)
    data = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    if not any(part.strip("\0\ufeff \t\r\n") and part.strip() for part in parts):
        return Check(len(data), digest_of(data), code="no-text", reason="there is no text")
    return Check(len(data), digest_of(data), decoded=True)


def facts_of(payload: Any) -> TextFacts:
    """How long a text is; both of a pair together."""
    parts = parts_of(payload)
    return TextFacts(sum(map(len, parts)), sum(len(part.split()) for part in parts))


def _tile(split: Split, index: int) -> Markup:
    sample = split[index]
    shown = [shortened(part) for part in parts_of(sample.payload)]
    body = "<hr>".join(f'<div dir="auto">{escape(part)}</div>' for part in shown)
    style = "max-width:16em;max-height:9em;overflow:hidden;font-size:.85em;overflow-wrap:anywhere"
    return Markup(
        f'<div title="{escape(sample.id)}" style="{style}">{body}</div>', " / ".join(shown)
    )


def shortened(text: str, most: int = SHOWN) -> str:
    """The beginning of a text on one line, with control characters made visible."""
    cut = " ".join(text[: 4 * most].split())
    return visible(cut if len(cut) <= most else cut[: most - 1] + "…")


def _facts(dataset: Dataset) -> dict[str, str]:
    found = [facts_of(sample.payload) for split in dataset.splits() for sample in split]
    if not found:
        return {}
    words = np.array([fact.words for fact in found])
    middle, most = int(np.median(words)), int(words.max())
    said = f"median {number(middle)} words, 95 % below {number(int(np.quantile(words, 0.95)) + 1)}, longest {number(most)}"
    return {"texts": said}


def _long(dataset: Dataset) -> list[Finding]:
    """Texts of which only the beginning is read at all."""
    long = [
        (sample.id, fact.characters)
        for split in dataset.splits()
        for sample in split
        for fact in (facts_of(sample.payload),)
        if fact.characters > LONG
    ]
    if not long:
        return []
    what = plural(len(long), "text is", "texts are") + f" longer than {number(LONG)} characters."
    ids = tuple(name for name, _ in long)
    details = tuple(f"{number(size)} characters" for _, size in long)
    done = "Only the beginning is read; a model reads some hundred words anyway."
    return [Finding("very-long-texts", "warning", len(long), what, done, ids, details)]


def _near(dataset: Dataset) -> list[Finding]:
    """Texts on two sides that differ only in case, spaces and punctuation."""
    groups: dict[str, list[tuple[str, str, bytes]]] = defaultdict(list)
    for split in dataset.splits():
        for sample in split:
            digest = dataset.checks[sample.id].digest
            groups[folded(sample.payload)].append((split.name, sample.id, digest))
    pairs = []
    for key, members in groups.items():
        if not key or len(members) < 2:
            continue
        train = [one for one in members if one[0] == "train"]
        held = [one for one in members if one[0] != "train"]
        pairs += [(t[1], h[1]) for h in held for t in train[:1] if t[2] != h[2]]
    if not pairs:
        return []
    what = plural(len(pairs), "held-out text differs", "held-out texts differ")
    what += " from one of train only in case, spaces or punctuation."
    done = "Kept; the score may be too good."
    return [
        Finding("near-copies", "warning", len(pairs), what, done, pairs=tuple(pairs[:_PAIRS_SHOWN]))
    ]


def folded(payload: Any) -> str:
    """A text without case, spaces and punctuation.

    >>> folded("Hello,  World!") == folded("hello world")
    True
    """
    parts = parts_of(payload)
    return "\x1f".join(re.sub(r"[\W_]+", "", part[:LONG].casefold()) for part in parts).strip(
        "\x1f"
    )


RECORD = Content(
    name="text",
    noun="text",
    nouns="texts",
    check=check_texts,
    read=read_text,
    encoded=encoded_text,
    inputs=text_inputs,
    tile=_tile,
    facts=_facts,
    rules=(_long, _near),
)
