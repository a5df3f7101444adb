# SPDX-License-Identifier: BSD-3-Clause
"""A table with one row per image: its path and its label.

    lab.data("labels.csv", image="file", label="species")
    lab.data("photos", label="labels.csv:species")           a table beside a folder of images

Columns that are not named are guessed from their names and contents. Paths are relative to the
folder of the table (or to the folder that was given); addresses are never fetched. A column
called split, with train, val and test in it, is kept.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

from lepton_lab.datasets.records import (
    Finding,
    Reading,
    Record,
    Source,
    call,
    no_such,
    plural,
    quoted,
)
from lepton_lab.datasets.sources.names import FORMATS, SPLIT_NAMES, TABLES, does_not_exist, suffix
from lepton_lab.datasets.sources.sheet import Sheet, read_sheet
from lepton_lab.datasets.sources.walk import walk
from lepton_lab.errors import did_you_mean
from lepton_lab.spec import DataSpec

IMAGE_COLUMNS = (
    "image",
    "image_path",
    "img_path",
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "img",
    "image_id",
    "id",
)
LABEL_COLUMNS = (
    "label",
    "labels",
    "class",
    "class_name",
    "target",
    "category",
    "species",
    "breed",
    "y",
)
SPLIT_COLUMNS = ("split", "set", "subset", "partition", "fold_name")
_MANY = 50


def recognizes(source: Any) -> bool:
    """A path to a file that exists and is a table by its suffix."""
    if not isinstance(source, (str, os.PathLike)) or suffix(Path(source).name) not in TABLES:
        return False
    try:
        return Path(source).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def read(source: Any, spec: DataSpec) -> Reading:
    """The images that a table lists."""
    path = Path(source).expanduser()
    return _read(path, path.parent, spec.label, spec, path.stem)


def read_beside(root: Path, spec: DataSpec) -> Reading:
    """The images of a folder with labels from TABLE:COLUMN."""
    name, _, column = spec.label.rpartition(":")
    places = [Path(name).expanduser(), root / name, root.parent / name]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise does_not_exist(root / name)
    if suffix(path.name) not in TABLES:
        raise no_such(
            f'"{path.name}" is no table that is read here.',
            "Tables may be .csv, .tsv or .parquet.",
            call(root, label=f"labels.csv:{column}"),
        )
    return _read(path, root, column, spec, root.resolve().name)


def guess_label(path: Path) -> str:
    """The column that looks most like the class. Raises DataError when none does."""
    sheet = read_sheet(path)
    image = _image_column(sheet, "", path)
    return _label_column(sheet, "", image, path)


def _read(path: Path, root: Path, label: str, spec: DataSpec, name: str) -> Reading:
    sheet = read_sheet(path)
    image_column = _image_column(sheet, spec.image, path)
    label_column = _label_column(sheet, label, image_column, path)
    findings = list(sheet.findings)
    guessed = [
        f'"{column}" as the {what}'
        for column, what, given in (
            (image_column, "image", spec.image),
            (label_column, "label", label),
        )
        if not given
    ]
    if guessed:
        findings.append(
            Finding(
                "guessed-columns",
                "info",
                len(guessed),
                f"The column {' and '.join(guessed)} was guessed.",
                "Name another with image= or label=.",
            )
        )
    labels = [_text(value) for value in sheet.column(label_column)]
    findings += _numbers(labels, label_column)
    sides = _sides(sheet, (image_column, label_column), findings)
    payloads = _payloads(sheet.column(image_column), root)
    ids = _ids(sheet.column(image_column), sheet.lines)
    groups = _groups(sheet, spec.group, path)
    records = [
        Record(i, p, text, s, group)
        for i, p, text, s, group in zip(ids, payloads, labels, sides, groups, strict=True)
    ]
    return Reading(records, name, tuple(findings))


def _image_column(sheet: Sheet, name: str, path: Path) -> str:
    if name:
        return _existing(sheet, name, path, "image")
    lowered = {column.lower(): column for column in sheet.columns}
    pictures = [c for c in sheet.columns if _share(sheet.column(c), _looks_like_image) > 0.5]
    named = [lowered[n] for n in IMAGE_COLUMNS if n in lowered]
    chosen = next((c for c in named if c in pictures), None) or next(iter(pictures or named), None)
    if chosen is None:
        raise _say_columns(sheet, path, "No column holds paths of images.", "image")
    return chosen


def _label_column(sheet: Sheet, name: str, image: str, path: Path) -> str:
    if name:
        return _existing(sheet, name, path, "label")
    lowered = {column.lower(): column for column in sheet.columns}
    others = [c for c in sheet.columns if c != image and c.lower() not in SPLIT_COLUMNS]
    for known in LABEL_COLUMNS:
        if lowered.get(known) in others:
            return lowered[known]
    if len(others) != 1:
        raise _say_columns(sheet, path, "It is not clear which column holds the class.", "label")
    return others[0]


def _existing(sheet: Sheet, name: str, path: Path, option: str) -> str:
    if name in sheet.columns:
        return name
    near = did_you_mean(name, sheet.columns)
    first = (
        near.removeprefix("Did you mean ").split(" or ")[0].split(",")[0].rstrip("?")
        if near
        else sheet.columns[0]
    )
    raise no_such(
        f'The table "{path.name}" has no column "{name}".',
        f"{near} " * bool(near) + f"Columns: {quoted(sheet.columns, 12)}.",
        call(path, **{option: first}),
    )


def _say_columns(sheet: Sheet, path: Path, what: str, option: str) -> Exception:
    return no_such(
        what,
        f'Columns of "{path.name}": {quoted(sheet.columns, 12)}.',
        call(path, **{option: sheet.columns[-1]}),
    )


def _numbers(labels: list[str | None], column: str) -> list[Finding]:
    """Say so when the classes look like measurements."""
    distinct = {label for label in labels if label}
    if len(distinct) <= _MANY or not all(_is_number(label) for label in distinct):
        return []
    what = f'The column "{column}" holds {plural(len(distinct), "different number")}.'
    return [
        Finding(
            "numeric-labels",
            "warning",
            len(distinct),
            what,
            "Each is a class; if they are measurements, group them first.",
        )
    ]


def _sides(sheet: Sheet, used: tuple[str, str], findings: list[Finding]) -> list[str | None]:
    """The split of each row, where a column tells it."""
    column = next((c for c in sheet.columns if c.lower() in SPLIT_COLUMNS and c not in used), None)
    if column is None:
        return [None] * len(sheet.rows)
    values = [SPLIT_NAMES.get(str(value).strip().lower()) for value in sheet.column(column)]
    if None in values or "train" not in values:
        findings.append(
            Finding(
                "split-column",
                "warning",
                1,
                f'The column "{column}" holds more than train, val and test.',
                "Not used; a new split was made.",
            )
        )
        return [None] * len(values)
    findings.append(
        Finding("split-column", "info", 1, f'The column "{column}" tells the split.', "Kept.")
    )
    return list(values)


def _groups(sheet: Sheet, name: str, path: Path) -> list[str]:
    """The group of each row; "" where no column was named."""
    if not name:
        return [""] * len(sheet.rows)
    return [_text(value) or "" for value in sheet.column(_existing(sheet, name, path, "group"))]


def _payloads(cells: list[object], root: Path) -> list[Any]:
    """Paths below `root`; cells without a suffix find their file by its stem."""
    named = [cell if isinstance(cell, bytes) else _bytes_or_path(cell) for cell in cells]
    stems: dict[str, str] = {}
    if any(isinstance(n, str) and suffix(n) not in FORMATS for n in named) and root.is_dir():
        images = [name for name in walk(root).files if suffix(name) in FORMATS]
        stems = {str(Path(name).with_suffix("")): name for name in images}
        stems |= {Path(name).stem: name for name in images}
    return [n if isinstance(n, bytes) else _path(n, root, stems) for n in named]


def _path(name: str, root: Path, stems: dict[str, str]) -> Path:
    path = (
        root / name.replace("\\", "/")
        if "\\" in name and not (root / name).exists()
        else root / name
    )
    if name and suffix(name) not in FORMATS and name in stems and not path.is_file():
        return root / stems[name]
    return path


def _bytes_or_path(cell: object) -> Any:
    """The content of a cell: text, or the bytes that the `datasets` library stores in Parquet."""
    if isinstance(cell, dict):
        return cell.get("bytes") or str(cell.get("path") or "")
    return "" if cell is None else str(cell).strip()


def _ids(cells: list[object], lines: list[int]) -> list[str]:
    """Unique names: the path as written, with its line where it is written twice."""
    names = []
    for cell, line in zip(cells, lines, strict=True):
        text = cell.get("path") if isinstance(cell, dict) else cell
        names.append(text.strip() if isinstance(text, str) and text.strip() else f"row {line:06d}")
    times = Counter(names)
    return [
        name if times[name] == 1 else f"{name}#{line}"
        for name, line in zip(names, lines, strict=True)
    ]


def _text(value: object) -> str | None:
    """A label as text, exactly as written; None where the cell is blank."""
    text = "" if value is None else str(value)
    return text if text.strip() else None


def _share(cells: list[object], holds: Any) -> float:
    some = cells[:200]
    return sum(bool(holds(cell)) for cell in some) / max(len(some), 1)


def _looks_like_image(cell: object) -> bool:
    if isinstance(cell, dict):
        return bool({"bytes", "path"} & set(cell))
    return isinstance(cell, bytes) or (isinstance(cell, str) and suffix(cell.strip()) in FORMATS)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


SOURCE = Source(
    "table", "A CSV, TSV or Parquet file with a path and a label per row.", recognizes, read
)
