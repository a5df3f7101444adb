# SPDX-License-Identifier: BSD-3-Clause
"""Words with tags, whatever they were read from, as the records of a data set.

What cannot be used is named and left out: a sentence without words, one with another number of tags
than words, one with a word that has no tag. Tags are made BIO; sequences that their scheme does not
allow are named and read as the metrics read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from lepton_lab.datasets.records import Finding, Reading, Record, no_such, plural, quoted
from lepton_lab.datasets.sources.cells import blank
from lepton_lab.datasets.sources.tag_schemes import (
    OUTSIDE,
    Tags,
    broken,
    kinds,
    tag_classes,
    tell_scheme,
    to_bio,
)

_SAID = {
    "IOB1": (
        "The tags are in IOB1: B- stands only between neighbours of one type.",
        "Read as BIO.",
    ),
    "BIOES": ("The tags are in BIOES: E- ends an entity, S- is one alone.", "Read as BIO."),
    "BILOU": ("The tags are in BILOU: L- ends an entity, U- is one alone.", "Read as BIO."),
    "IO": ("The tags have no B- and I-.", "Neighbours with equal tags are read as one entity."),
    "single": ("The tags have no B- and I-, and there is no O.", "Each word is a span of its own."),
}


class Sentence(NamedTuple):
    """A sentence as a source found it; `tags` is None where it has none at all."""

    id: str
    words: Sequence[Any]
    tags: Sequence[Any] | None
    split: str | None = None
    group: str = ""


def tagged_reading(
    sentences: Sequence[Sentence],
    name: str,
    findings: Iterable[Finding],
    columns: dict[str, str],
    source: str,
) -> Reading:
    """The records of sentences.

    Args:
        sentences: In their order.
        name: Of the data set.
        findings: What was found so far.
        columns: Role -> column.
        source: As the user wrote it, for messages.

    Raises:
        DataError: No word bears a tag but O.
    """
    found = list(findings)
    good = _usable(sentences, found)
    tags = {s.id: tuple(str(tag).strip() for tag in s.tags) for s in good if s.tags is not None}
    scheme = tell_scheme(tags.values())
    whole = {key: to_bio(some, scheme) for key, some in tags.items()}
    classes = tag_classes(kind for some in whole.values() for kind in kinds(some))
    if tags and len(classes) == 1:
        raise no_such(
            f'No word of "{source}" bears a tag but O.',
            f"{plural(len(tags), 'sentence')} with tags {quoted(sorted({t for s in tags.values() for t in s}))}.",
            "Name the column with the tags: tags='...'",
        )
    if tags and scheme in _SAID:
        found.append(Finding("tag-scheme", "info", 1, *_SAID[scheme]))
    found += _broken(good, tags, scheme)
    records = [
        Record(s.id, tuple(str(word) for word in s.words), whole.get(s.id), s.split, s.group)
        for s in good
    ]
    return Reading(
        records,
        name,
        tuple(found),
        classes,
        content="tokens",
        labels="tags",
        task="token-classification",
        columns=columns,
    )


def _usable(sentences: Sequence[Sentence], findings: list[Finding]) -> list[Sentence]:
    """The sentences that can be used; the others become findings."""
    good: list[Sentence] = []
    empty: list[str] = []
    ragged: list[tuple[str, str]] = []
    gaps: list[tuple[str, str]] = []
    for s in sentences:
        if not any(not blank(word) for word in s.words):
            empty.append(s.id)
        elif any(word is None for word in s.words):
            gaps.append((s.id, f"word {[w is None for w in s.words].index(True) + 1} is missing"))
        elif s.tags is not None and len(s.tags) != len(s.words):
            counts = f"{plural(len(s.words), 'word')}, {plural(len(s.tags), 'tag')}"
            ragged.append((s.id, counts))
        elif s.tags is not None and any(blank(tag) for tag in s.tags):
            at = [blank(tag) for tag in s.tags].index(True)
            gaps.append((s.id, f'word {at + 1}, "{s.words[at]}"'))
        else:
            good.append(s)
    if empty:
        what = plural(len(empty), "sentence has", "sentences have") + " no words."
        findings.append(
            Finding("empty-sentences", "warning", len(empty), what, "Left out.", tuple(empty))
        )
    if ragged:
        what = plural(len(ragged), "sentence has", "sentences have")
        findings.append(_named("ragged-tags", what + " another number of tags than words.", ragged))
    if gaps:
        what = plural(len(gaps), "sentence has", "sentences have")
        findings.append(_named("missing-tags", what + " a word without a known tag.", gaps))
    return good


def _named(code: str, what: str, cases: Sequence[tuple[str, str]]) -> Finding:
    ids, details = zip(*cases, strict=True)
    return Finding(code, "error", len(cases), what, "Left out.", ids, details)


def _broken(good: Sequence[Sentence], tags: dict[str, Tags], scheme: str) -> list[Finding]:
    cases = []
    for s in good:
        places = broken(tags[s.id], scheme) if s.id in tags else []
        if places:
            at = places[0]
            before = tags[s.id][at - 1] if at else OUTSIDE
            cases.append(
                (s.id, f'{before} before {tags[s.id][at]} at word {at + 1}, "{s.words[at]}"')
            )
    if not cases:
        return []
    what = plural(len(cases), "sentence has", "sentences have")
    what += f" a sequence of tags that {scheme} does not allow."
    done = "Read as the metrics do: a tag that continues nothing begins an entity."
    ids, details = zip(*cases, strict=True)
    return [Finding("broken-tags", "warning", len(cases), what, done, ids, details)]
