# SPDX-License-Identifier: BSD-3-Clause
"""A table file as columns of text, with everything said that had to be guessed.

Spreadsheets write CSV in many dialects. Encoding and separator are found out here and told; a row
with too many or too few cells is named by its line instead of shifting its neighbours; and every
cell stays text, because "NA" and "007" are classes and not a missing value and a seven.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from lepton_lab.datasets.records import Finding, call, no_such, plural
from lepton_lab.datasets.sources.names import suffix

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
LARGEST_CELL = 1 << 20


@dataclass
class Sheet:
    """Columns of text.

    Attributes:
        columns: Their names, in order.
        rows: Cells as text (None where Parquet holds a null); bytes where Parquet holds pictures.
        lines: For each row the line of the file, or its number in a Parquet file, counted from 1.
        findings: What was guessed or left out.
    """

    columns: list[str]
    rows: list[list[object]]
    lines: list[int]
    findings: list[Finding] = field(default_factory=list)

    def column(self, name: str) -> list[object]:
        """The cells of a column."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


def read_sheet(path: Path) -> Sheet:
    """Read a CSV, TSV or Parquet file. Raises DataError when it has no usable rows."""
    sheet = _parquet(path) if suffix(path.name) in (".parquet", ".pq") else _text(path)
    if not sheet.rows:
        raise no_such(
            f'The table "{path}" has no rows.',
            f"Its header has {plural(len(sheet.columns), 'column')}.",
            "Add one row per image: path,label",
        )
    return sheet


def decode(data: bytes) -> tuple[str, str]:
    """Text and the name of its encoding: by byte order mark, else UTF-8, else UTF-16, else Latin-1.

    >>> decode("é".encode("latin-1"))
    ('é', 'Latin-1')
    """
    for mark, name, said in (
        (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with a byte order mark"),
        (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
        (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
    ):
        if data.startswith(mark):
            return data.decode(name, "replace"), said
    head = data[:4000]
    if head.count(0) > len(head) // 4:
        little = head[1::2].count(0) >= head[::2].count(0)
        return data.decode(
            "utf-16-le" if little else "utf-16-be", "replace"
        ), "UTF-16 without a byte order mark"
    try:
        return data.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "Latin-1"


def separator(text: str) -> str:
    r"""The character that cuts the first lines into the same number of cells, most often.

    >>> separator("path;label\na.jpg;cat\n")
    ';'
    """
    lines = [line[:10_000] for line in text[:500_000].splitlines()[:50] if line.strip()]
    best, best_score = ",", 0.0
    for mark in SEPARATORS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=mark))
        width, times = widths.most_common(1)[0] if widths else (1, 0)
        score = times / len(lines) * (width > 1) + width / 1e6 if lines else 0.0
        if width > 1 and score > best_score:
            best, best_score = mark, score
    return best


def _text(path: Path) -> Sheet:
    text, encoding = decode(path.read_bytes())
    if not text.strip("\0 \r\n\t"):
        raise no_such(
            f'The table "{path}" is empty.',
            "Needed are a header and one row per image.",
            "path,label",
        )
    mark = separator(text)
    findings = []
    if encoding != "UTF-8":
        findings.append(
            Finding("encoding", "info", 1, f"The table is written in {encoding}.", "Read as such.")
        )
    if mark != ("\t" if suffix(path.name) == ".tsv" else ","):
        findings.append(
            Finding(
                "separator",
                "info",
                1,
                f"The columns are separated by a {SEPARATORS[mark]}.",
                "Read as such.",
            )
        )
    rows, lines = _cells(path, text.replace("\0", ""), mark)
    columns = [str(name).strip() for name in rows.pop(0)]
    lines.pop(0)
    repeated = [name for name, times in Counter(columns).items() if times > 1]
    if repeated:
        raise no_such(
            f'Two columns of "{path}" are called "{repeated[0]}".',
            f"Columns: {', '.join(columns)}.",
            "Rename one of them.",
        )
    good = [i for i, row in enumerate(rows) if len(row) == len(columns)]
    if len(good) < len(rows):
        findings.append(_ragged(rows, lines, len(columns)))
    return Sheet(columns, [list(rows[i]) for i in good], [lines[i] for i in good], findings)


def _cells(path: Path, text: str, mark: str) -> tuple[list[list[str]], list[int]]:
    """Rows that are not blank, and the line on which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    rows, lines = [], []
    start = 1
    before = csv.field_size_limit(LARGEST_CELL)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        why = (
            "A quotation mark is opened and never closed."
            if "end of data" in str(error)
            else f"{error}."
        )
        raise no_such(
            f'The table "{path}" cannot be read from line {start} on.',
            why,
            f"Correct line {start} in a text editor, then: {call(path)}",
        ) from error
    finally:
        csv.field_size_limit(before)
    return rows, lines


def _ragged(rows: list[list[str]], lines: list[int], width: int) -> Finding:
    bad = [(line, len(row)) for row, line in zip(rows, lines, strict=True) if len(row) != width]
    what = plural(len(bad), "row has", "rows have")
    what += f" another number of cells than the header's {width}."
    ids = tuple(f"line {line}" for line, _ in bad)
    return Finding(
        "ragged-rows",
        "error",
        len(bad),
        what,
        "Left out.",
        ids,
        tuple(plural(n, "cell") for _, n in bad),
    )


def _parquet(path: Path) -> Sheet:
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path, partitioning=None)
    except (pyarrow.ArrowException, OSError) as error:
        raise no_such(
            f'"{path}" is no readable Parquet file.',
            str(error).splitlines()[0][:200],
            "Write it again, or use a CSV file.",
        ) from error
    columns = [
        list(column) for column in (table.column(i).to_pylist() for i in range(table.num_columns))
    ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return Sheet([str(name) for name in table.column_names], rows, list(range(1, len(rows) + 1)))
