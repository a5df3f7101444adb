# SPDX-License-Identifier: BSD-3-Clause
"""A table in memory: named columns of text, whatever it was read from.

Every cell is text as its author wrote it ("NA" and "007" are values), None where the table holds nothing,
or a list or a record where it holds one. What they mean is decided by whoever knows the task.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lepton_lab.datasets.records import Finding, call, no_such, quoted
from lepton_lab.datasets.sources.names import SPLIT_NAMES
from lepton_lab.errors import did_you_mean, nearest

SPLIT_COLUMNS = ("split", "set", "subset", "partition", "fold_name")
_EXACT = 1 << 53


@dataclass
class Columns:
    """A table.

    Attributes:
        names: Of the columns, in order.
        rows: One mapping per row with every column: text, None, a list, a mapping, or bytes.
        ids: A name for each row, unique.
        findings: What was guessed or left out.
        splits: For each row its split, where the table came in parts; else empty.
        classes: Column -> its class names in order, where the table fixes them.
        name: A short name of the table.
        source: As the user wrote it, for messages.
    """

    names: list[str]
    rows: list[dict[str, Any]]
    ids: list[str]
    findings: list[Finding] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    name: str = "table"
    source: str = "table"

    def column(self, name: str) -> list[Any]:
        """The cells of a column."""
        return [row[name] for row in self.rows]

    def existing(self, name: str, option: str) -> str:
        """`name`, if there is such a column. Raises DataError with the nearest one."""
        if name in self.names:
            return name
        near, why = nearest(name, self.names, 1), did_you_mean(name, self.names)
        raise no_such(
            f'The table "{self.source}" has no column "{name}".',
            f"{why} Columns: {quoted(self.names, 12)}.".strip(),
            call(self.source, **{option: near[0] if near else self.names[0]}),
        )

    def sides(self, used: Sequence[str], findings: list[Finding]) -> list[str | None]:
        """The split of each row: by the part it came in, or by a column that tells it; else None."""
        if self.splits:
            return list(self.splits)
        free = (c for c in self.names if c.lower() in SPLIT_COLUMNS and c not in used)
        column = next(free, None)
        if column is None:
            return [None] * len(self.rows)
        told = [SPLIT_NAMES.get(str(cell).strip().lower()) for cell in self.column(column)]
        if None in told or "train" not in told:
            what = f'The column "{column}" holds more than train, val and test.'
            done = "Not used; a new split was made."
            findings.append(Finding("split-column", "warning", 1, what, done))
            return [None] * len(told)
        what = f'The column "{column}" tells the split.'
        findings.append(Finding("split-column", "info", 1, what, "Kept."))
        return told


def blank(cell: Any) -> bool:
    """Whether a cell holds nothing: None, or text of spaces alone.

    >>> [blank(cell) for cell in (None, " ", "NA", "0", [])]
    [True, True, False, False, False]
    """
    return cell is None or (isinstance(cell, str) and not cell.strip())


def as_cell(value: Any) -> Any:
    """A value of another library as a cell: numbers, truths and dates become text.

    A whole number stays one although a missing neighbour made its column floats: 1.0 is "1".

    >>> [as_cell(value) for value in (7, 1.0, 0.25, True, float("nan"), "007", ["a", 1])]
    ['7', '1', '0.25', 'true', None, '007', ['a', '1']]
    """
    if value is None or isinstance(value, (str, bytes)):
        return value
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
    if isinstance(value, Mapping):
        return {str(key): one for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_cell(one) for one in value]
    text = str(value)
    return None if text in ("NaT", "<NA>") else text
