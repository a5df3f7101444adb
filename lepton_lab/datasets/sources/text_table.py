# SPDX-License-Identifier: BSD-3-Clause
"""A table with a text (or two) and a label per row: one class, several, or a number.

    lab.data("reviews.csv", text="review", label="stars")
    lab.data("pairs.tsv", text="premise,hypothesis", label="relation")

Several classes stand in a list, or in one cell with `|` or `;` between them. Labels are text: "NA" and
"007" are classes. What had to be guessed is said as a finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from lepton_lab.datasets.records import Finding, Reading, Record, call, no_such, plural, quoted
from lepton_lab.datasets.sources.cells import Columns, blank
from lepton_lab.datasets.sources.telling import Told, is_measure, is_number
from lepton_lab.spec import DataSpec

_MARKS = ("|", ";")


def read(columns: Columns, told: Told, spec: DataSpec) -> Reading:
    """The texts of a table. Raises DataError when its labels cannot be understood."""
    names, column = told.columns["text"].split(","), told.columns["label"]
    findings = list(columns.findings)
    cells = columns.column(column)
    kind = label_kind(cells, spec.labels)
    labels, said = _READ[kind](columns, column)
    findings += said
    sides = columns.sides((*names, column), findings)
    groups = [str(row[spec.group] or "") if spec.group else "" for row in columns.rows]
    payloads = [tuple(_text(row[name]) for name in names) for row in columns.rows]
    records = [
        Record(name, payload if len(names) > 1 else payload[0], label, side, group)
        for name, payload, label, side, group in zip(
            columns.ids, payloads, labels, sides, groups, strict=True
        )
    ]
    order = columns.classes.get(column) if kind != "number" else None
    return Reading(
        records,
        columns.name,
        tuple(findings),
        order,
        content="text",
        labels=kind,
        task="text-classification",
        columns={"text": ",".join(names), "label": column},
    )


def label_kind(cells: Sequence[Any], asked: str = "auto") -> str:
    """What labels are ("class", "classes" or "number"), told from the cells of their column.

    A mark separates classes only where that explains the cells: most parts occur in other cells too.

    >>> label_kind(["a|b", "b", "a"]), label_kind(["pos", "neg"]), label_kind(["and/or | x", "y"])
    ('classes', 'class', 'class')
    """
    if asked != "auto":
        return asked
    some = [cell for cell in cells if not blank(cell)]
    if any(isinstance(cell, list) for cell in some):
        return "classes"
    if is_measure(some):
        return "number"
    return "classes" if _mark(some) else "class"


def _mark(cells: Sequence[Any]) -> str:
    """The sign between classes; empty where each cell is one class."""
    distinct = {str(cell) for cell in cells}
    for mark in _MARKS:
        seen = Counter(part for cell in distinct for part in set(_parts(cell, mark)))
        parts = {part for cell in distinct if mark in cell for part in _parts(cell, mark)}
        if len(parts) > 1 and sum(seen[part] > 1 for part in parts) > len(parts) / 2:
            return mark
    return ""


def _parts(cell: Any, mark: str) -> list[str]:
    if isinstance(cell, list):
        return [str(part) for part in cell if not blank(part)]
    cut = str(cell).split(mark) if mark else [str(cell)]
    return [part.strip() for part in cut if part.strip()]


def _one(columns: Columns, column: str) -> tuple[list[Any], list[Finding]]:
    cells = columns.column(column)
    if any(isinstance(cell, (list, dict, bytes)) for cell in cells):
        raise no_such(
            f'The column "{column}" holds lists, not one class per row.',
            "Several classes per text are understood as well.",
            call(columns.source, label=column, labels="classes"),
        )
    labels = [None if blank(cell) else str(cell) for cell in cells]
    spaced = sorted({label for label in labels if label is not None and label != label.strip()})
    if not spaced:
        return labels, []
    what = (
        plural(len(spaced), "class has", "classes have")
        + f" spaces around its name: {quoted(spaced)}."
    )
    done = "Kept as written; trim the column if they are not meant."
    return labels, [Finding("spaced-labels", "warning", len(spaced), what, done, tuple(spaced))]


def _several(columns: Columns, column: str) -> tuple[list[Any], list[Finding]]:
    cells = columns.column(column)
    mark = _mark([cell for cell in cells if not blank(cell)])
    labels = [None if cell is None else tuple(sorted(set(_parts(cell, mark)))) for cell in cells]
    between = f' ("{mark}" stands between them)' if mark else ""
    what = f'The column "{column}" holds several classes per text{between}.'
    findings = [
        Finding("several-classes", "info", 1, what, "labels=class reads each cell as one class.")
    ]
    empty = tuple(i for i, label in zip(columns.ids, labels, strict=True) if label == ())
    if empty:
        what = plural(len(empty), "text has", "texts have") + " none of the classes."
        done = "Kept: it teaches what no class looks like."
        findings.append(Finding("no-class", "info", len(empty), what, done, empty))
    return labels, findings


def _numbers(columns: Columns, column: str) -> tuple[list[Any], list[Finding]]:
    cells = columns.column(column)
    bad = [i for i, cell in enumerate(cells) if not blank(cell) and not is_number(cell)]
    if bad:
        raise no_such(
            f'The column "{column}" holds {plural(len(bad), "cell")} that {"is" if len(bad) == 1 else "are"} no number.',
            f"{columns.ids[bad[0]]}: {str(cells[bad[0]])[:60]!r}",
            call(columns.source, label=column, labels="class"),
        )
    values = [None if blank(cell) else float(cell) for cell in cells]
    known = [value for value in values if value is not None]
    span = f"{min(known):g} to {max(known):g}" if known else "nothing"
    what = f'The column "{column}" holds numbers from {span}: a score is learned, not classes.'
    done = "labels=class makes each number a class."
    return values, [Finding("regression", "info", 1, what, done)]


def _text(cell: Any) -> str:
    """A cell as text; a list of words is joined."""
    if isinstance(cell, list):
        return " ".join(str(part) for part in cell)
    return "" if cell is None else str(cell)


_READ = {"class": _one, "classes": _several, "number": _numbers}
