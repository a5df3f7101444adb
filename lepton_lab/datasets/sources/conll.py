# SPDX-License-Identifier: BSD-3-Clause
"""Text files of words in lines, as the CoNLL shared tasks have them: columns, and a blank line per sentence.

    -DOCSTART- -X- O O

    Anna NNP I-NP B-PER
    lives VBZ I-VP O

The word stands in the first column and its tag in the last, with blanks or tabs between. A sentence
with a line of another width is left out and named, as nobody knows which of its columns is which.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lepton_lab.datasets.records import Finding, call, no_such, plural
from lepton_lab.datasets.sources.sheet import decode

DOCUMENT = "-DOCSTART-"
_TAG = re.compile(r"O|[BIESLU](-\S+)?")
_LOOK_AT = 1 << 16
_ENOUGH = 0.95


@dataclass(frozen=True)
class Sentence:
    """The lines of one sentence.

    Attributes:
        line: Of the file, counted from 1, on which it begins.
        document: Number of the document, 0 where the file has none.
        cells: The columns of each line.
    """

    line: int
    document: int
    cells: list[list[str]]


@dataclass(frozen=True)
class ColumnFile:
    """A file as read.

    Attributes:
        sentences: In their order.
        width: Columns of a line.
        findings: What was guessed or left out.
    """

    sentences: list[Sentence]
    width: int
    findings: list[Finding]


def looks_like_columns(path: Path) -> bool:
    """Whether the beginning of a file is words with tags: several columns, the last one full of tags."""
    with path.open("rb") as file:
        data = file.read(_LOOK_AT)
    text = decode(data)[0]
    whole = text if len(data) < _LOOK_AT else text.rpartition("\n")[0]
    lines = [cells for _, cells in _lines(whole) if cells and cells[0] != DOCUMENT]
    if not lines:
        return False
    width = _usual(lines)
    tags = sum(len(cells) == width and _TAG.fullmatch(cells[-1]) is not None for cells in lines)
    return width > 1 and tags >= _ENOUGH * len(lines)


def read_columns(path: Path) -> ColumnFile:
    """All sentences of a file. Raises DataError when it has none with a word and a tag."""
    text, encoding = decode(path.read_bytes())
    findings = []
    if encoding != "UTF-8":
        said = f'The file "{path.name}" is written in {encoding}.'
        findings.append(Finding("encoding", "info", 1, said, "Read as such."))
    lines = list(_lines(text.replace("\0", "")))
    width = _usual([cells for _, cells in lines if cells and cells[0] != DOCUMENT])
    if width < 2:
        raise no_such(
            f'The file "{path}" has no words with tags.',
            "Its lines have one column." if width else "It is empty.",
            "Each line is a word, a blank and its tag; a blank line ends the sentence.",
        )
    good, ragged = [], []
    for sentence in _sentences([(n, c) for n, c in lines if not _is_comment(c, width)]):
        odd = [i for i, cells in enumerate(sentence.cells) if len(cells) != width]
        if odd:
            found = sentence.cells[odd[0]]
            where = f"{path.name}, sentence of line {sentence.line}"
            ragged.append((where, f"{plural(len(found), 'column')} in its line {odd[0] + 1}"))
        else:
            good.append(sentence)
    if not good:
        why = f"Every sentence has a line with another number of columns than {width}."
        raise no_such(
            f'The file "{path}" has no sentence.', why, call(path) + "  # after correcting it"
        )
    if ragged:
        what = plural(len(ragged), "sentence has", "sentences have")
        what += f" a line with another number of columns than {width}."
        ids, details = zip(*ragged, strict=True)
        findings.append(
            Finding("ragged-rows", "error", len(ragged), what, "Left out.", ids, details)
        )
    return ColumnFile(good, width, findings)


def tag_column(sentences: list[Sentence], width: int) -> int:
    """The last column that is full of tags; else the last one."""
    lines = [cells for sentence in sentences for cells in sentence.cells]
    for column in range(width - 1, 0, -1):
        tags = sum(_TAG.fullmatch(cells[column]) is not None for cells in lines)
        if tags >= _ENOUGH * len(lines):
            return column
    return width - 1


def word_column(sentences: list[Sentence]) -> int:
    """The first column; the second where the first one counts the words."""
    counted = all(
        [cells[0] for cells in sentence.cells]
        == [str(i) for i in range(1, len(sentence.cells) + 1)]
        for sentence in sentences
    )
    return int(counted and len(sentences[0].cells[0]) > 2)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    r"""Number and columns of each line; none for a blank one. Only \n ends a line: a word may hold others."""
    tabs = "\t" in text
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip(" \t\r")
        if not bare:
            yield number, []
        elif tabs and "\t" in line:
            yield number, [cell.strip(" \r") for cell in line.rstrip("\t\r ").split("\t")]
        else:
            yield number, re.split(r"[ \t]+", bare)


def _usual(lines: list[list[str]]) -> int:
    widths = Counter(len(cells) for cells in lines)
    return widths.most_common(1)[0][0] if widths else 0


def _is_comment(cells: list[str], width: int) -> bool:
    """`# sent_id = 3`, but not the word # with its tag."""
    return bool(cells) and cells[0].startswith("#") and (len(cells) != width or cells[1] == "=")


def _sentences(lines: list[tuple[int, list[str]]]) -> Iterator[Sentence]:
    document, held, first = 0, list[list[str]](), 0
    for number, cells in [*lines, (0, [])]:
        starts = bool(cells) and cells[0] == DOCUMENT
        if cells and not starts:
            first = first if held else number
            held.append(cells)
        elif held:
            yield Sentence(first, document, held)
            held = []
        document += starts
