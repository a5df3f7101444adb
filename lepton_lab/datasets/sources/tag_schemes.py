# SPDX-License-Identifier: BSD-3-Clause
"""How tags say where an entity begins: told from the tags, and made one scheme.

BIO (also IOB2): every entity begins with B-. IOB1: only one that directly follows another of its type
does. BIOES and BILOU: its end is told too. Without such marks: equal neighbours are one entity where
there is an O, and every word stands for itself where there is none (parts of speech). Training, metrics
and artifacts know BIO alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from lepton_lab.metrics.entities import entities

OUTSIDE = "O"
BARE = "entity"  # the type of tags that are a mark alone
_MARKED = re.compile(r"[BIESLU](-.+)?")
_BILOU = str.maketrans("LU", "ES")
_MOSTLY = 0.9

Tags = tuple[str, ...]


def tell_scheme(sentences: Iterable[Tags]) -> str:
    """Name of the scheme: "BIO", "IOB1", "BIOES", "BILOU", "IO" (no marks) or "single" (no O either).

    >>> tell_scheme([("I-PER", "I-PER", "O", "I-LOC", "B-LOC")]), tell_scheme([("B-PER", "O")])
    ('IOB1', 'BIO')
    """
    sentences = list(sentences)
    counts = Counter(tag for tags in sentences for tag in tags)
    some = sum(times for tag, times in counts.items() if tag != OUTSIDE)
    marked = {tag for tag in counts if _MARKED.fullmatch(tag)}
    if not some or sum(counts[tag] for tag in marked) < _MOSTLY * some:
        return "IO" if OUTSIDE in counts else "single"
    marks = {tag[0] for tag in marked}
    if marks & set("LU"):
        return "BILOU"
    if marks & set("ES"):
        return "BIOES"
    begun, continued = 0, 0
    for tags in sentences:
        for before, tag in zip((OUTSIDE, *tags), tags, strict=False):
            apart = tag != OUTSIDE and _kind(before) != _kind(tag)
            begun += apart and tag[0] == "B"
            continued += apart and tag[0] == "I"
    return "IOB1" if continued > begun else "BIO"


def to_bio(tags: Tags, scheme: str) -> Tags:
    """The same entities in BIO; a broken sequence is read as the metrics read it.

    Args:
        tags: Of one sentence.
        scheme: As `tell_scheme` names it.

    >>> to_bio(("I-PER", "I-PER", "O", "S-LOC"), "BIOES")
    ('B-PER', 'I-PER', 'O', 'B-LOC')
    """
    if scheme == "single":
        return tuple(f"B-{tag}" for tag in tags)
    if scheme == "IO":
        tags = tuple(tag if tag == OUTSIDE else f"I-{tag}" for tag in tags)
    found = [OUTSIDE] * len(tags)
    for kind, first, last in entities([_whole(tag, scheme) for tag in tags]):
        found[first : last + 1] = [f"B-{kind}", *[f"I-{kind}"] * (last - first)]
    return tuple(found)


def broken(tags: Tags, scheme: str) -> list[int]:
    """The words whose tag cannot stand where it stands.

    >>> broken(("O", "I-PER", "B-LOC"), "BIO"), broken(("O", "I-PER"), "IOB1"), broken(("B-X", "O"), "BIOES")
    ([1], [], [1])
    """
    if scheme in ("IO", "single"):
        return []
    places = []
    for place, (before, tag) in enumerate(zip((OUTSIDE, *tags), (*tags, OUTSIDE), strict=True)):
        if not _may_follow(_whole(before, scheme), _whole(tag, scheme), scheme):
            places.append(min(place, len(tags) - 1))
        elif place < len(tags) and tag != OUTSIDE and not _MARKED.fullmatch(tag):
            places.append(place)
    return list(dict.fromkeys(places))


def tag_classes(names: Iterable[str]) -> tuple[str, ...]:
    """All tags of the types, in order: O, then B- and I- of each.

    >>> tag_classes(["PER", "LOC"])
    ('O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER')
    """
    return (OUTSIDE, *(f"{mark}-{name}" for name in sorted(set(names)) for mark in "BI"))


def kinds(tags: Sequence[str]) -> list[str]:
    """The types of the entities of BIO tags, in their order.

    >>> kinds(("B-PER", "I-PER", "O", "B-PER"))
    ['PER', 'PER']
    """
    return [tag[2:] for tag in tags if tag.startswith("B-")]


def _may_follow(before: str, tag: str, scheme: str) -> bool:
    same = _kind(before) == _kind(tag)
    if scheme == "BIO":
        return tag[0] != "I" or (before != OUTSIDE and same)
    if scheme == "IOB1":
        return tag[0] != "B" or (before != OUTSIDE and same)
    within = before[0] in "BI"
    return (tag[0] in "IE" and same) if within else tag[0] not in "IE"


def _whole(tag: str, scheme: str) -> str:
    """A tag with a mark of BIOES and a type."""
    if tag == OUTSIDE:
        return tag
    if not _MARKED.fullmatch(tag):
        return f"I-{tag}"
    mark = tag[0].translate(_BILOU) if scheme == "BILOU" else tag[0]
    return mark + (tag[1:] or f"-{BARE}")


def _kind(tag: str) -> str:
    return "" if tag == OUTSIDE else tag[2:] or BARE
