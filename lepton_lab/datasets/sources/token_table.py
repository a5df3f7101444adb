# SPDX-License-Identifier: BSD-3-Clause
"""A table with a list of words and a list of tags per row: JSON lines, Parquet, `datasets`, records.

    lab.data("train.jsonl")    lab.data(dataset, tokens="words", tags="ner")

Tags are names. Numbers need their names: `datasets` brings them along, and beside a file they are read
from `labels.txt`, one per line in the order of the numbers.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from lepton_lab.datasets.records import Finding, Reading, no_such, plural
from lepton_lab.datasets.sources.cells import Columns
from lepton_lab.datasets.sources.sheet import decode
from lepton_lab.datasets.sources.tagged import Sentence, tagged_reading
from lepton_lab.datasets.sources.telling import Told
from lepton_lab.spec import DataSpec

NAME_FILES = ("labels.txt", "tags.txt", "label_list.txt", "classes.txt")


def read(columns: Columns, told: Told, spec: DataSpec) -> Reading:
    """The sentences of a table. Raises DataError when its tags cannot be understood."""
    words, tags = told.columns["tokens"], told.columns["tags"]
    findings = list(columns.findings)
    sides = columns.sides((words, tags), findings)
    rows = [(_cells(row[words]), _cells(row[tags])) for row in columns.rows]
    names = _names(rows, columns, tags, findings)
    sentences = [
        Sentence(
            name,
            some or (),
            None if given is None else [names.get(tag, tag) for tag in given],
            side,
            "" if not spec.group else str(row[spec.group] or ""),
        )
        for name, (some, given), row, side in zip(
            columns.ids, rows, columns.rows, sides, strict=True
        )
    ]
    roles = {"tokens": words, "tags": tags}
    return tagged_reading(sentences, columns.name, findings, roles, columns.source)


def _cells(cell: Any) -> list[Any] | None:
    """A list; also one that was written as text, between brackets or with blanks."""
    if cell is None or isinstance(cell, list):
        return cell
    text = str(cell).strip()
    if text.startswith("["):
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text.split()
        return [None if one is None else str(one) for one in found]
    return text.split()


def _names(
    rows: list[tuple[list[Any] | None, list[Any] | None]],
    columns: Columns,
    column: str,
    findings: list[Finding],
) -> dict[Any, Any]:
    """Number -> tag where tags are numbers without names; an unknown number has none."""
    numbers = {tag for _, tags in rows for tag in tags or () if tag is not None}
    if column in columns.classes or not numbers or not all(_is_number(tag) for tag in numbers):
        return {}
    folder = Path(columns.source).expanduser()
    folder = folder if folder.is_dir() else folder.parent
    path = next((folder / name for name in NAME_FILES if (folder / name).is_file()), None)
    if path is None:
        raise no_such(
            f'The tags in the column "{column}" are numbers, and nothing says what they mean.',
            f"{plural(len(numbers), 'different number')}, {min(numbers, key=int)} to {max(numbers, key=int)}.",
            "Write the names into labels.txt beside the file, one per line in the order of the numbers.",
        )
    listed = decode(path.read_bytes())[0].split("\n")
    known = {str(i): name.strip() for i, name in enumerate(listed) if name.strip()}
    what = f"The tags are numbers; {path.name} names {plural(len(known), 'tag')}."
    findings.append(Finding("tag-names", "info", len(known), what, "Used."))
    return {tag: known.get(tag) for tag in numbers}


def _is_number(tag: Any) -> bool:
    return (
        isinstance(tag, str) and tag.removeprefix("-").isascii() and tag.removeprefix("-").isdigit()
    )
