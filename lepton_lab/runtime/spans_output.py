# SPDX-License-Identifier: BSD-3-Clause
"""Spans of a string as output: where an entity begins and ends in the string that came, and what it is.

The model tells a probability for every tag of every sub-word; that of a word is read at its first
sub-word. Spans begin at B- and at an I- of another type than the tag before it, so that no sequence
of tags is without an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .inputs import Row
from .outputs import Outputs

OUTSIDE = "O"
_KEPT = 200  # words of a golden answer: some kilobytes
_SHOWN = 8
_BEGIN, _END = ("B", "S", "U"), ("E", "S", "L", "U")


@dataclass(frozen=True)
class Span:
    """A part of a string.

    Attributes:
        start: Its first character, counted from 0.
        end: The character behind its last one.
        text: What stands there.
        label: What it is.
        probability: The mean probability of the tags of its words.
    """

    start: int
    end: int
    text: str
    label: str
    probability: float

    def __str__(self) -> str:
        return f'{self.label} "{self.text}" {self.probability:.3f}'


@dataclass(frozen=True)
class Spans:
    """The answer for one string.

    Attributes:
        name: Name of the input, empty for strings.
        string: The string; a list of words joined by blanks.
        spans: In their order; they do not overlap.
        unread: Characters at its end that are beyond what is read of one string.
    """

    name: str
    string: str
    spans: tuple[Span, ...]
    unread: int = 0

    def __iter__(self) -> Iterator[Span]:
        return iter(self.spans)

    def __len__(self) -> int:
        return len(self.spans)

    def to_json(self) -> dict[str, Any]:
        """Name, string and spans; "unread" where the end was not read."""
        spans = [dict(vars(span)) for span in self.spans]
        found = {"name": self.name, "text": self.string, "spans": spans}
        return found | ({"unread": self.unread} if self.unread else {})

    def __str__(self) -> str:
        said = ", ".join(str(span) for span in self.spans[:_SHOWN]) or "nothing found"
        more = len(self.spans) - _SHOWN
        said += f" and {more} more" if more > 0 else ""
        said += f" (its last {self.unread} characters were not read)" if self.unread else ""
        return f"{self.name}: {said}" if self.name else said


class SpansOutput:
    """Spans from tag probabilities.

    Args:
        labels: The tags: "O", and "B-" and "I-" of each type.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self.outside = self.labels.index(OUTSIDE) if OUTSIDE in self.labels else 0

    def cut(self, outputs: Outputs, rows: Sequence[Row]) -> list[dict[str, np.ndarray]]:
        """Per sentence, for each of its W words: float32 (W, tags), read at the first sub-word.

        A word that the tokenizer drops, or that was not read, is certainly outside of every span.
        """
        found, start = [], 0
        for row in rows:
            window, place = row["window"], row["place"]
            there = window >= 0
            values = {}
            for name, whole in outputs.items():
                read = np.zeros((len(window), whole.shape[-1]), whole.dtype)
                read[:, self.outside] = 1.0
                read[there] = whole[start + window[there], place[there]]
                values[name] = read
            found.append(values)
            start += len(row["input_ids"])
        return found

    def answer(self, outputs: Outputs, row: Row, name: str = "") -> Spans:
        """The spans of the most probable tags."""
        text, offsets = row["text"].tobytes().decode("utf-8"), row["offsets"]
        probabilities = outputs["probabilities"]
        best = probabilities.argmax(axis=-1)
        share = probabilities[np.arange(len(best)), best]
        spans = []
        for label, first, last in spans_of([self.labels[int(tag)] for tag in best]):
            start, end = int(offsets[first, 0]), int(offsets[last, 1])
            mean = float(share[first : last + 1].mean())
            spans.append(Span(start, end, text[start:end], label, mean))
        return Spans(name, text, tuple(spans), int(row["unread"]))

    def kept(self, outputs: Outputs) -> dict[str, Any]:
        """The best tag of the first words, and its probability."""
        probabilities = outputs["probabilities"][:_KEPT]
        best = probabilities.argmax(axis=-1)
        share = probabilities[np.arange(len(best)), best]
        return {
            "words": len(outputs["probabilities"]),
            "tags": best.tolist(),
            "probabilities": [round(float(value), 5) for value in share],
        }

    def gap(self, kept: Mapping[str, Any], outputs: Outputs) -> float:
        """The largest difference in the probability of a tag that was the best one."""
        probabilities = outputs["probabilities"]
        tags, wanted = np.asarray(kept["tags"], np.int64), np.asarray(kept["probabilities"])
        if len(probabilities) != kept["words"] or tags.shape != wanted.shape:
            return float("inf")
        if not len(tags):
            return 0.0
        return float(np.abs(probabilities[np.arange(len(tags)), tags] - wanted).max())


def spans_of(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Type, first and last word of each span.

    Args:
        tags: In BIO, as models that are trained here give them; in BIOES or without marks, as others do.

    >>> spans_of(["B-PER", "I-PER", "O", "I-LOC"])
    [('PER', 0, 1), ('LOC', 3, 3)]
    """
    found: list[tuple[str, int, int]] = []
    before, kind = OUTSIDE, ""
    for place, tag in enumerate(tags):
        mark, dash, here = tag.partition("-")
        here = here if dash else tag
        if tag == OUTSIDE:
            here = ""
        elif here != kind or mark in _BEGIN or before in _END:
            found.append((here, place, place))
        else:
            found[-1] = (here, found[-1][1], place)
        before, kind = mark, here
    return found


def make(about: Mapping[str, Any], labels: Sequence[str]) -> SpansOutput:
    """See `outputs.output`."""
    return SpansOutput(labels)
