# SPDX-License-Identifier: BSD-3-Clause
"""A table whose rows are samples: every column but the target is learned from.

    lab.data("customers.csv")    lab.data("customers.csv", label="churn", drop="notes")

A sample is the row as its author wrote it, column to text; which columns are numbers, dates or
categories is learned from the training rows when a model is made for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lepton_lab.datasets.column_kinds import Cell
from lepton_lab.datasets.records import Finding, Reading, Record, call, no_such, plural, quoted
from lepton_lab.datasets.sources.cells import Columns
from lepton_lab.datasets.sources.row_columns import judge
from lepton_lab.datasets.sources.telling import Told
from lepton_lab.runtime.cells import number_of
from lepton_lab.spec import DataSpec

REGRESSION = "tabular-regression"
_MANY = 50


def read(columns: Columns, told: Told, spec: DataSpec) -> Reading:
    """The rows of a table.

    Raises:
        DataError: The target is missing or cannot be learned, or no column is left to learn from.
    """
    label, measured = told.columns["label"], told.task == REGRESSION
    dropped = [columns.existing(name, "drop") for name in spec.drop]
    findings = list(columns.findings)
    splits = columns.sides((label,), findings)
    targets = _targets(columns, label, measured, findings)
    used = {label, spec.group, *dropped, *_split_columns(columns, splits)}
    cells = {
        name: [_text(row[name]) for row in columns.rows]
        for name in columns.names
        if name not in used and _is_plain(columns, name, findings)
    }
    judged = judge(cells, [row[label] for row in columns.rows], measured)
    findings += judged.findings
    if not judged.kept:
        raise no_such(
            f'The table "{columns.source}" has no column to learn "{label}" from.',
            f"Columns: {quoted(columns.names, 12)}; {'; '.join(f.what for f in judged.findings) or 'no other'}",
            call(columns.source, label=columns.names[0]),
        )
    for name, kind in judged.kept.items():
        for place in kind.odd:
            cells[name][place] = None
    rows = [
        dict(zip(judged.kept, row, strict=True))
        for row in zip(*(cells[n] for n in judged.kept), strict=True)
    ]
    groups = [str(row[spec.group] or "") if spec.group else "" for row in columns.rows]
    records = [Record(*one) for one in zip(columns.ids, rows, targets, splits, groups, strict=True)]
    return Reading(
        records,
        columns.name,
        tuple(findings),
        columns.classes.get(label) if not measured else None,
        content="row",
        labels="number" if measured else "class",
        task=told.task,
        columns={"label": label},
    )


def _targets(columns: Columns, label: str, measured: bool, findings: list[Finding]) -> list[Any]:
    """Class names, or numbers; None where a row has none that can be used."""
    texts = [_text(row[label]) for row in columns.rows]
    known = [text for text in texts if text is not None]
    if not known:
        raise no_such(
            f'The target "{label}" of "{columns.source}" is empty in every row.',
            f"Columns: {quoted(columns.names, 12)}.",
            call(columns.source, label=columns.names[0]),
        )
    if not measured:
        distinct = set(known)
        if len(distinct) > _MANY and len(distinct) > len(known) / 2:
            numeric = all(number_of(text) is not None for text in distinct)
            raise no_such(
                f'Nearly every row has a class of its own: "{label}" holds {plural(len(distinct), "value")}.',
                "These are numbers." if numeric else "A class needs several rows to learn from.",
                call(columns.source, task=REGRESSION, label=label)
                if numeric
                else call(
                    columns.source, label=next((n for n in columns.names if n != label), label)
                ),
            )
        return list(texts)
    numbers = [None if text is None else number_of(text) for text in texts]
    odd = [i for i, text in enumerate(texts) if text is not None and numbers[i] is None]
    if len(odd) > len(known) / 2:
        raise no_such(
            f'The target "{label}" of "{columns.source}" holds words, no numbers.',
            f"Found {quoted(dict.fromkeys(str(texts[i]) for i in odd[:3]))}.",
            call(columns.source, task="tabular-classification", label=label),
        )
    if odd:
        what = f'{plural(len(odd), "row has", "rows have")} no number as "{label}".'
        ids = tuple(columns.ids[i] for i in odd)
        details = tuple(str(texts[i])[:40] for i in odd)
        findings.append(Finding("no-number", "error", len(odd), what, "Left out.", ids, details))
    return numbers


def _split_columns(columns: Columns, splits: Sequence[str | None]) -> set[str]:
    """The column that told the splits, which is not learned from."""
    from lepton_lab.datasets.sources.cells import SPLIT_COLUMNS

    told = splits and splits[0] is not None and not columns.splits
    return {name for name in columns.names if told and name.lower() in SPLIT_COLUMNS}


def _is_plain(columns: Columns, name: str, findings: list[Finding]) -> bool:
    """Whether a column holds single values; lists, records and bytes are none."""
    if all(cell is None or isinstance(cell, str) for cell in columns.column(name)):
        return True
    what = f'The column "{name}" holds more than single values.'
    findings.append(Finding("not-single", "warning", 1, what, "Left out.", (name,)))
    return False


def _text(cell: Any) -> Cell:
    return cell.strip() or None if isinstance(cell, str) else None
