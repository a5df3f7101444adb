# SPDX-License-Identifier: BSD-3-Clause
"""Files of words with tags in columns (see `conll`), one or a folder with one per split.

    lab.data("ner.conll")    lab.data("conll2003", tags="3")

Columns have no names there; `tokens=` and `tags=` take their numbers, counted from 1. Sentences of one
document (`-DOCSTART-`) stay on one side of the split.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from lepton_lab.datasets.records import Finding, Reading, Source, call, no_such, plural
from lepton_lab.datasets.sources.conll import (
    ColumnFile,
    looks_like_columns,
    read_columns,
    tag_column,
    word_column,
)
from lepton_lab.datasets.sources.names import SPLIT_NAMES, suffix
from lepton_lab.datasets.sources.tagged import Sentence, tagged_reading
from lepton_lab.datasets.sources.walk import is_junk
from lepton_lab.spec import DataSpec

SUFFIXES = (".conll", ".conll03", ".iob", ".iob2", ".bio", ".bioes", ".bmes", ".ner")
_SPLITS = SPLIT_NAMES | {"testa": "val", "testb": "test"}
_PERHAPS = (".txt", ".tsv", ".tags", "", *(f".{name}" for name in _SPLITS))
_FEW_DOCUMENTS = 10


def recognizes(source: Any) -> bool:
    """A file of words with tags, or a folder with some; cheap, and never raises."""
    if not isinstance(source, (str, os.PathLike)):
        return False
    try:
        path = Path(source).expanduser()
        return _is_file(path) if path.is_file() else path.is_dir() and bool(_parts(path))
    except (OSError, ValueError, RuntimeError):
        return False


def read(source: Any, spec: DataSpec) -> Reading:
    """The sentences of a file or a folder. Raises DataError when there are none with tags."""
    path = Path(source).expanduser()
    parts = _parts(path) if path.is_dir() else {path: None}
    files = {part: read_columns(part) for part in parts}
    findings = [finding for file in files.values() for finding in file.findings]
    first = files[next((p for p, side in parts.items() if side == "train"), next(iter(parts)))]
    words, tags = _columns(first, spec, source, findings)
    documents = sum(file.sentences[-1].document for file in files.values())
    grouped = documents >= _FEW_DOCUMENTS
    if grouped:
        what = f"The sentences belong to {plural(documents, 'document')}."
        done = "Those of one document stay on one side of the split."
        findings.append(Finding("documents", "info", documents, what, done))
    sentences = []
    for part, file in files.items():
        if file.width <= max(words, tags):
            raise no_such(
                f'The file "{part}" has no column {max(words, tags) + 1}.',
                f"Its lines have {plural(file.width, 'column')}.",
                call(source, tags=str(file.width)),
            )
        digits = max(5, len(str(len(file.sentences))))
        for number, one in enumerate(file.sentences, 1):
            sentences.append(
                Sentence(
                    f"{part.stem if suffix(part.name) in SUFFIXES else part.name}/{number:0{digits}d}",
                    [cells[words] for cells in one.cells],
                    [cells[tags] for cells in one.cells],
                    parts[part],
                    f"{part.name}#{one.document}" if grouped else "",
                )
            )
    roles = {"tokens": str(words + 1), "tags": str(tags + 1)}
    return tagged_reading(sentences, path.resolve().stem, findings, roles, str(source))


def _is_file(path: Path) -> bool:
    kind = suffix(path.name)
    return kind in SUFFIXES or (kind in _PERHAPS and looks_like_columns(path))


def _parts(folder: Path) -> dict[Path, str | None]:
    """The files of a folder with their splits; those without one only where no other has one."""
    there = [e for e in sorted(folder.iterdir()) if e.is_file() and not is_junk(e.name)]
    found = {path: _side(path.name) for path in there if _is_file(path)}
    named = {path: side for path, side in found.items() if side}
    return dict(named) if "train" in named.values() else dict.fromkeys(found)


def _side(name: str) -> str | None:
    """The split that a file name tells ("eng.testa", "wnut17train.conll").

    >>> _side("eng.testa"), _side("wnut17train.conll"), _side("notes.txt")
    ('val', 'train', None)
    """
    pieces = re.split(r"[^a-z]+", name.lower())
    told = next((_SPLITS[piece] for piece in pieces if piece in _SPLITS), None)
    return told or next((_SPLITS[s] for s in ("train", "dev", "test") if s in name.lower()), None)


def _columns(
    file: ColumnFile, spec: DataSpec, source: Any, findings: list[Finding]
) -> tuple[int, int]:
    """Places of the word and of its tag, as they were named or look."""
    words = _number(spec.tokens, file.width, "tokens", source)
    tags = _number(spec.tags, file.width, "tags", source)
    chosen = word_column(file.sentences) if words is None else words
    last = tag_column(file.sentences, file.width) if tags is None else tags
    if tags is None and file.width > 2:
        what = f"The lines have {file.width} columns; the tag was taken from column {last + 1}."
        done = "Name another by its number with tags=."
        findings.append(Finding("guessed-columns", "info", 1, what, done))
    return chosen, last


def _number(said: str, width: int, option: str, source: Any) -> int | None:
    if not said:
        return None
    if said.isascii() and said.isdigit() and 1 <= int(said) <= width:
        return int(said) - 1
    raise no_such(
        f'There is no column "{said}".',
        f"The lines have {plural(width, 'column')}, which are named by their numbers.",
        call(source, **{option: "1" if option == "tokens" else str(width)}),
    )


SOURCE = Source(
    "tokens",
    "Words with tags in columns (CoNLL), a file or one per split.",
    recognizes,
    read,
)
