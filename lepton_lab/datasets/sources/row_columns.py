# SPDX-License-Identifier: BSD-3-Clause
"""Which columns of a table a model may learn from, and what is said about the others.

A customer's number, a column that is the same everywhere, one that repeats the answer in other words:
each would teach a model something that is of no use, or that is not there when it is used. They are
left out and named; `drop=` leaves out more.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lepton_lab.datasets.column_kinds import Cell, ColumnKind, kind_of, texts
from lepton_lab.datasets.records import Finding, Severity, plural
from lepton_lab.metrics.curves import Thresholds, auc_of
from lepton_lab.runtime.cells import is_missing_word, number_of

_ID_NAME = re.compile(r"(^|[_\s.-])(id|uid|uuid|guid|index|row|nr|key)$|^unnamed|id$|^id|^$", re.I)
_SURE = 20
_WORDS = 4
_SURE_AREA = 0.9995
_SURE_CORRELATION = 0.999999


@dataclass(frozen=True)
class Judged:
    """What was thought of the columns.

    Attributes:
        kept: Those to learn from, with what they hold.
        findings: What is said about them and about the others.
    """

    kept: dict[str, ColumnKind]
    findings: list[Finding]


def judge(cells: Mapping[str, Sequence[Cell]], labels: Sequence[Cell], measured: bool) -> Judged:
    """Look at every column that is not the target.

    Args:
        cells: Column -> its cells, as many as there are labels.
        labels: The target, as text.
        measured: Whether the target is a number and not a class.
    """
    kept: dict[str, ColumnKind] = {}
    left: dict[str, list[str]] = defaultdict(list)
    for name, column in cells.items():
        kind = kind_of(column)
        why = _useless(name, column, kind) or _leak(column, labels, kind, measured)
        if why and why != "suspicious-columns":
            left[why].append(name)
            continue
        kept[name] = kind
        if why:
            left[why].append(name)
    findings = [_told(code, names) for code, names in left.items()]
    return Judged(
        kept, [*findings, *_remarks({name: (cells[name], kind) for name, kind in kept.items()})]
    )


def _useless(name: str, column: Sequence[Cell], kind: ColumnKind) -> str:
    """The code of the finding for a column that nothing can be learned from, or ""."""
    known = texts(column)
    distinct = set(known)
    if kind.name == "empty":
        return "empty-columns"
    if len(distinct) == 1 and len(known) == len(column):
        return "constant-columns"
    if len(distinct) == len(known) >= _SURE and (
        kind.name == "category" or _counts_rows(name, known, kind)
    ):
        words = float(np.mean([len(text.split()) for text in known[:300]]))
        return "text-columns" if words >= _WORDS else "id-columns"
    if kind.name == "category" and len(distinct) > len(known) / 2 >= _SURE / 2:
        words = float(np.mean([len(text.split()) for text in known[:300]]))
        return "text-columns" if words >= _WORDS else "id-columns"
    return ""


def _counts_rows(name: str, known: Sequence[str], kind: ColumnKind) -> bool:
    """Whether whole numbers, all different, only name the rows: one after the other, or called an id."""
    if kind.name != "number" or not all(re.fullmatch(r"\d+", text) for text in known):
        return False
    values = [int(text) for text in known]
    consecutive = all(b - a == 1 for a, b in pairwise(values))
    return consecutive or bool(_ID_NAME.search(name.strip()))


def _leak(column: Sequence[Cell], labels: Sequence[Cell], kind: ColumnKind, measured: bool) -> str:
    """Whether a column is the target in other words, or suspiciously near to it."""
    seen = Counter((c.strip(), t.strip()) for c, t in zip(column, labels, strict=True) if c and t)
    rows = sum(seen.values())
    if rows < _SURE:
        return ""
    if measured:
        return "leaking-columns" if kind.name == "number" and _same_number(list(seen)) else ""
    values, classes = ({pair[side] for pair in seen} for side in (0, 1))
    certain = len(seen) == len(values) > 1 and len(classes) > 1
    if certain and len(values) == len(classes):
        return "leaking-columns"
    if certain and len(values) * 5 <= rows:
        return "suspicious-columns"
    alone = kind.name == "number" and len(classes) == 2 and _separates(list(seen))
    return "suspicious-columns" if alone else ""


def _same_number(pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether one is the other up to unit and offset."""
    numbers = [(number_of(a), number_of(b)) for a, b in pairs]
    both = np.array([(a, b) for a, b in numbers if a is not None and b is not None])
    if len(both) < _SURE or not both.std(axis=0).all():
        return False
    return abs(float(np.corrcoef(both.T)[0, 1])) > _SURE_CORRELATION


def _separates(pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether a threshold on this column alone tells two classes apart."""
    told = [(number_of(value), label) for value, label in pairs]
    scores = np.array([value for value, _ in told if value is not None])
    first = min(label for _, label in pairs)
    positive = np.array([label == first for value, label in told if value is not None])
    area = auc_of(Thresholds.of(scores, positive)) if len(scores) else 0.5
    return max(area, 1 - area) > _SURE_AREA


_SAID: dict[str, tuple[Severity, str, str, str]] = {
    "empty-columns": ("warning", "column is empty", "columns are empty", "Left out."),
    "constant-columns": (
        "warning",
        "column holds the same value in every row",
        "columns hold the same value in every row",
        "Left out.",
    ),
    "id-columns": (
        "info",
        "column names the rows: (nearly) every value is another one",
        "columns name the rows: (nearly) every value is another one",
        "Left out.",
    ),
    "text-columns": (
        "warning",
        "column holds texts",
        "columns hold texts",
        "Left out; a model of texts reads them: task='text-classification'.",
    ),
    "leaking-columns": (
        "warning",
        "column is the target in other words",
        "columns are the target in other words",
        "Left out: it would not be known when the model is used.",
    ),
    "suspicious-columns": (
        "warning",
        "column alone tells the target",
        "columns alone tell the target",
        "Kept. If it is not known when the model is used, leave it out with drop=.",
    ),
}


def _told(code: str, names: Sequence[str]) -> Finding:
    severity, one, many, done = _SAID[code]
    return Finding(
        code, severity, len(names), f"{plural(len(names), one, many)}.", done, tuple(names)
    )


def _remarks(kept: Mapping[str, tuple[Sequence[Cell], ColumnKind]]) -> list[Finding]:
    """Missing values, odd cells, codes, dates that can be read in two ways, rare categories."""
    missing, odd, codes, dates, rare = {}, {}, [], [], {}
    for name, (column, kind) in kept.items():
        blank = sum(_is_missing(cell, kind) for cell in column)
        if blank:
            missing[name] = blank
        if kind.odd:
            odd[name] = [str(column[i]).strip()[:40] for i in kind.odd]
        if kind.name == "category" and _are_codes(column):
            codes.append(name)
        if kind.ambiguous:
            dates.append(name)
        if kind.name == "category":
            few = sum(times < 5 for times in Counter(texts(column)).values())
            if few:
                rare[name] = few
    found = []
    if missing:
        what = f"{plural(len(missing), 'column has', 'columns have')} missing values."
        details = tuple(plural(count, "row") for count in missing.values())
        done = "Told to the model as missing; numbers get the median."
        found.append(
            Finding(
                "missing-values", "info", sum(missing.values()), what, done, tuple(missing), details
            )
        )
    if odd:
        what = f"{plural(len(odd), 'column of numbers or dates holds', 'columns of numbers or dates hold')} a few cells that are none."
        details = tuple(f"{len(texts)} such as {texts[0]!r}" for texts in odd.values())
        done = "Read as missing; correct them in the table."
        count = sum(len(texts) for texts in odd.values())
        found.append(Finding("odd-cells", "warning", count, what, done, tuple(odd), details))
    if codes:
        what = f"{plural(len(codes), 'column holds', 'columns hold')} numbers with leading zeros, such as 007."
        found.append(Finding("codes", "info", len(codes), what, "Kept as text.", tuple(codes)))
    if dates:
        what = (
            f"{plural(len(dates), 'column of dates', 'columns of dates')} can be read in two ways."
        )
        done = "The first number is read as the day; write dates as 2024-12-31 to be sure."
        found.append(Finding("ambiguous-dates", "warning", len(dates), what, done, tuple(dates)))
    if rare:
        what = f"{plural(len(rare), 'column has', 'columns have')} categories that fewer than 5 rows have."
        details = tuple(plural(count, "category", "categories") for count in rare.values())
        done = "Where too few, they count as unknown together."
        found.append(
            Finding("rare-categories", "info", sum(rare.values()), what, done, tuple(rare), details)
        )
    return found


def _is_missing(cell: Cell, kind: ColumnKind) -> bool:
    return not cell or not cell.strip() or (kind.name != "category" and is_missing_word(cell))


def _are_codes(column: Sequence[Cell]) -> bool:
    known = texts(column)
    digits = [text for text in known if text.isdigit()]
    return len(digits) > len(known) / 2 and any(len(text) > 1 and text[0] == "0" for text in digits)
