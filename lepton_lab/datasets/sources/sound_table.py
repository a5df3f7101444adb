# SPDX-License-Identifier: BSD-3-Clause
"""A table with a sound and a class per row.

    lab.data("clips.csv", label="word")            paths are relative to the table
    lab.data("clips/", label="labels.csv:word")    or to a folder, with the table in it or beside it

A cell is a path, or what the `datasets` library keeps of a sound: bytes, a path, or samples and their rate.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from lepton_lab.datasets.records import Finding, Reading, Record, call, no_such, plural
from lepton_lab.datasets.sources.cells import Columns, blank
from lepton_lab.datasets.sources.columns import read_table
from lepton_lab.datasets.sources.names import does_not_exist
from lepton_lab.datasets.sources.sounds import TASK, check_readable
from lepton_lab.datasets.sources.telling import Told, tell_task
from lepton_lab.spec import DataSpec


def read(
    columns: Columns, told: Told, spec: DataSpec, root: Path | None = None, name: str = ""
) -> Reading:
    """The sounds of a table.

    Args:
        columns: The table.
        told: Which columns hold the sound ("audio") and the class ("label").
        spec: `group` names a column whose values stay on one side of the split.
        root: What paths are relative to; the table's own folder by default.
        name: A short name for the data set; the table's by default.

    Raises:
        DataError: No row names a sound.
    """
    sounds, label = told.columns["audio"], told.columns["label"]
    table = Path(columns.source).expanduser()
    base = root or (table.parent if table.is_file() else Path())
    findings = list(columns.findings)
    sides = columns.sides((sounds, label), findings)
    names = _names(columns, sounds)
    records = []
    nameless = []
    for row, one, side in zip(columns.rows, names, sides, strict=True):
        if blank(row[sounds]):
            nameless.append(one)
            continue
        text = None if blank(row[label]) else str(row[label])
        group = str(row[spec.group] or "") if spec.group else ""
        records.append(Record(one, _payload(row[sounds], base), text, side, group))
    if not records:
        raise no_such(
            f'No row of "{columns.source}" names a sound.',
            f'The column "{sounds}" is empty.',
            call(columns.source, label=label),
        )
    if nameless:
        what = plural(len(nameless), "row names", "rows name") + " no sound."
        findings.append(
            Finding("no-path", "error", len(nameless), what, "Left out.", tuple(nameless))
        )
    check_readable([record.payload for record in records if isinstance(record.payload, Path)])
    return Reading(
        records,
        name or columns.name,
        tuple(findings),
        columns.classes.get(label),
        flip_safe=False,
        content="sound",
        task=TASK,
        columns={"audio": sounds, "label": label},
    )


def read_beside(root: Path, spec: DataSpec) -> Reading:
    """The sounds of a folder with labels from TABLE:COLUMN."""
    name, _, column = spec.label.rpartition(":")
    places = [Path(name).expanduser(), root / name, root.parent / name]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise does_not_exist(root / name)
    columns = read_table(path)
    columns.existing(column, "label")
    told = tell_task(columns, replace(spec, label=column, task=TASK))
    return read(columns, told, spec, root, root.resolve().name)


def _names(columns: Columns, sounds: str) -> list[str]:
    """The path of each sound; with the row behind it where it has none or not for itself."""
    cells = [cell.strip() if isinstance(cell, str) else "" for cell in columns.column(sounds)]
    counts = Counter(cells)
    return [
        cell if cell and counts[cell] == 1 else f"{cell}#{row}" if cell else row
        for cell, row in zip(cells, columns.ids, strict=True)
    ]


def _payload(cell: Any, base: Path) -> Any:
    if isinstance(cell, str):
        return base / cell.strip()
    if isinstance(cell, dict) and cell.get("bytes") is None and isinstance(cell.get("path"), str):
        return base / cell["path"]
    return cell
