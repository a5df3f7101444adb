# SPDX-License-Identifier: BSD-3-Clause
"""A plain string as words: one rule for the preview, for prediction and for the artifact.

A tagger is trained on words that somebody split. A string has to be split alike, or the tagger meets
words that it has never seen ("Paris." beside "Paris" and "."). Which rule fits is told from the
training data and kept in the manifest:

"whitespace": words are what stands between blanks.
"punctuation": marks at the edges of those are words of their own, "'s" too, and every Chinese
character; "@name", "#tag", "U.S." and addresses stay whole.

Offsets count characters (Unicode code points) of the string, as Python does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from .errors import BundleError

Range = tuple[int, int]
RULES = ("whitespace", "punctuation")
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_BLANK = re.compile(r"\S+")
_RUN = re.compile(rf"[{_HAN}]|[^\s—…{_HAN}]+|—+|…+")
_INITIALS = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W\d_]\.")
_ADDRESS_ENDS = ".,;:!?)]}'\"»”’"


def split_words(text: str, rule: str) -> Iterator[Range]:
    """Where the words of a string begin and end, one after the other.

    Args:
        text: Anything.
        rule: One of `RULES`.

    Raises:
        BundleError: This runtime does not know the rule.

    >>> text = "Anna's in Paris (U.S.)."
    >>> [text[a:b] for a, b in split_words(text, "punctuation")]
    ['Anna', "'s", 'in', 'Paris', '(', 'U.S.', ')', '.']
    >>> [text[a:b] for a, b in split_words(text, "whitespace")]
    ["Anna's", 'in', 'Paris', '(U.S.).']
    """
    if rule == "whitespace":
        return (found.span() for found in _BLANK.finditer(text))
    if rule == "punctuation":
        return (word for run in _RUN.finditer(text) for word in _peeled(text, *run.span()))
    raise BundleError(f"splits words by the rule '{rule}', which this runtime does not know")


def _peeled(text: str, start: int, end: int) -> Iterator[Range]:
    """The words of a run of characters without a blank."""
    while start < end and _is_mark(text[start]) and not _is_name(text, start, end):
        stop = start + 1
        while stop < end and text[stop] == text[start]:
            stop += 1
        yield start, stop
        start = stop
    address = text.find("://", start, end) >= 0
    tail: list[Range] = []
    while start < end and _is_tail(text, start, end, address):
        stop = end - 1
        while stop > start and text[stop - 1] == text[end - 1]:
            stop -= 1
        tail.append((stop, end))
        end = stop
    owner = end - start > 2 and text[end - 2] in "'’" and text[end - 1] in "sS"
    if owner:
        yield from ((start, end - 2), (end - 2, end))
    elif start < end:
        yield start, end
    yield from reversed(tail)


def _is_tail(text: str, start: int, end: int, address: bool) -> bool:
    last = text[end - 1]
    if address:
        return last in _ADDRESS_ENDS
    return _is_mark(last) and not (last == "." and _INITIALS.fullmatch(text, start, end))


def _is_name(text: str, start: int, end: int) -> bool:
    return text[start] in "@#" and end - start > 1 and not _is_mark(text[start + 1])


@lru_cache(maxsize=4096)
def _is_mark(character: str) -> bool:
    return character != "_" and unicodedata.category(character)[0] in "PS"
