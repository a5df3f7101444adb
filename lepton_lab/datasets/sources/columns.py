# SPDX-License-Identifier: BSD-3-Clause
"""One reader for all tables: files, folders of files, and tables in memory.

CSV, TSV, JSON lines, JSON lists and Parquet; a folder or a mapping with a table per split; data frames,
lists of records, (texts, labels), and objects of the `datasets` library. What the table is for is told by
`tell_task`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lepton_lab.datasets.records import Finding, call, no_such, plural, quoted
from lepton_lab.datasets.sources.cells import Columns, as_cell, blank
from lepton_lab.datasets.sources.memory_tables import is_memory_table, memory_columns, split_keys
from lepton_lab.datasets.sources.names import SPLIT_NAMES, suffix
from lepton_lab.datasets.sources.sheet import decode, read_sheet
from lepton_lab.datasets.sources.telling import Told, tell_task
from lepton_lab.datasets.sources.walk import is_junk

__all__ = ["Columns", "Told", "blank", "is_table", "read_table", "tell_task"]

_SHEETS = (".csv", ".tsv", ".parquet", ".pq")
_LINES = (".jsonl", ".ndjson")


def is_table(source: Any) -> bool:
    """Whether `read_table` reads it; cheap, and never raises."""
    if not isinstance(source, (str, os.PathLike)):
        return is_memory_table(source)
    try:
        path = Path(source).expanduser()
        return _is_file(path) if path.is_file() else path.is_dir() and bool(_parts(path))
    except (OSError, ValueError, RuntimeError):
        return False


def read_table(source: Any) -> Columns:
    """All rows of a table.

    Args:
        source: A path, or a table in memory.

    Raises:
        DataError: It cannot be read or has no rows.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source).expanduser()
        if path.is_dir():
            return _joined(
                {s: _file(p) for s, p in _parts(path).items()}, path.resolve().name, str(source)
            )
        return _file(path)
    if isinstance(source, Mapping):
        sides = split_keys(source)
        parts = {side: memory_columns(source[key]) for key, side in sides.items()}
        whole = _joined(parts, parts["train"].name, "tables")
        other = [str(key) for key in source if key not in sides]
        if other:
            what = f"Further splits: {quoted(other)}."
            whole.findings.append(Finding("other-splits", "info", len(other), what, "Not read."))
        return whole
    return memory_columns(source)


def _is_file(path: Path) -> bool:
    kind = suffix(path.name)
    if kind != ".json":
        return kind in _SHEETS + _LINES
    with path.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"[")


def _parts(folder: Path) -> dict[str, Path]:
    """Split -> table, for a folder with a table called train and perhaps others; else nothing."""
    found: dict[str, Path] = {}
    entries = sorted(folder.iterdir())
    if any(entry.is_dir() and not is_junk(entry.name) for entry in entries):
        return {}  # a folder of files, with tables that only list them
    for entry in entries:
        side = SPLIT_NAMES.get(entry.stem.lower())
        if side and entry.is_file() and _is_file(entry):
            found.setdefault(side, entry)
    return found if "train" in found else {}


def _file(path: Path) -> Columns:
    kind = suffix(path.name)
    if kind in _SHEETS:
        sheet = read_sheet(path)
        cells = [[as_cell(cell) for cell in row] for row in sheet.rows]
        rows = [dict(zip(sheet.columns, row, strict=True)) for row in cells]
        return Columns(
            sheet.columns,
            rows,
            _ids(sheet.lines),
            list(sheet.findings),
            name=path.stem,
            source=str(path),
        )
    return _json(path, kind in _LINES)


def _ids(lines: list[int]) -> list[str]:
    return [f"row {line:06d}" for line in lines]


def _json(path: Path, by_line: bool) -> Columns:
    """Records from JSON lines or from one JSON list; broken lines are named and left out."""
    text, encoding = decode(path.read_bytes())
    findings = []
    if encoding != "UTF-8":
        said = f"The file is written in {encoding}."
        findings.append(Finding("encoding", "info", 1, said, "Read as such."))
    records, lines, broken = [], [], []
    for line, value in _values(path, text, by_line):
        if isinstance(value, dict):
            records.append(value)
            lines.append(line)
        else:
            said = str(value) if isinstance(value, Exception) else f"a {type(value).__name__}"
            broken.append((line, said))
    if not records:
        raise no_such(
            f'The file "{path}" holds no records.',
            f"line {broken[0][0]}: {broken[0][1]}" if broken else "It is empty.",
            'Each line is a record such as {"text": "…", "label": "…"}.',
        )
    if broken:
        what = plural(len(broken), "line is no record", "lines are no records") + "."
        where = tuple(f"line {line}" for line, _ in broken)
        why = tuple(reason for _, reason in broken)
        findings.append(
            Finding("broken-lines", "error", len(broken), what, "Left out.", where, why)
        )
    names = list(dict.fromkeys(str(key) for record in records for key in record))
    lacking = [
        line for line, record in zip(lines, records, strict=True) if len(record) < len(names)
    ]
    if lacking:
        what = plural(len(lacking), "record lacks", "records lack") + " a field that others have."
        where = tuple(f"line {line}" for line in lacking)
        findings.append(
            Finding("missing-fields", "warning", len(lacking), what, "Empty there.", where)
        )
    rows = [{name: as_cell(record.get(name)) for name in names} for record in records]
    return Columns(names, rows, _ids(lines), findings, name=path.stem, source=str(path))


def _values(path: Path, text: str, by_line: bool) -> Iterator[tuple[int, Any]]:
    """Line (or place in the list) and what stands there, or the error that says why it cannot be read."""
    if not by_line:
        try:
            yield from enumerate(json.loads(text), 1)
        except (ValueError, RecursionError) as error:
            raise no_such(
                f'"{path}" is no valid JSON.', str(error), "Correct it, or write JSON lines."
            ) from error
        return
    for line, part in enumerate(text.split("\n"), 1):
        if part.strip():
            try:
                value = json.loads(part)
            except (ValueError, RecursionError) as error:
                value = error
            yield line, value


def _joined(parts: Mapping[str, Columns], name: str, source: str) -> Columns:
    """Tables of several splits as one; they must have the columns of train."""
    order = ["train", *(side for side in parts if side != "train")]
    first = parts[order[0]] if order[0] in parts else next(iter(parts.values()))
    whole = Columns(first.names, [], [], name=name, source=source)
    for side in (side for side in order if side in parts):
        part = parts[side]
        lacking = [column for column in first.names if column not in part.names]
        if lacking:
            raise no_such(
                f'The table of {side} has no column "{lacking[0]}".',
                f"Its columns: {quoted(part.names, 12)}.",
                f"Give it the columns of train, then: {call(source)}",
            )
        whole.rows += [{column: row[column] for column in first.names} for row in part.rows]
        whole.ids += [f"{side}/{one}" for one in part.ids]
        whole.splits += [side] * len(part.rows)
        whole.findings += part.findings
        whole.classes = whole.classes or part.classes
    return whole
