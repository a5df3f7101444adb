# SPDX-License-Identifier: BSD-3-Clause
"""What a column of a table holds: numbers, dates, categories, or nothing.

Told from all its cells. `007` is no number: its zeros mean something. `NA` is missing where the
others are numbers or dates, and a category like any other where they are words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lepton_lab.runtime.cells import date_of, is_missing_word, number_of

Cell = str | None

FORMATS = tuple(
    day + time
    for day in ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y%m%d")
    for time in (
        "",
        " %H:%M",
        " %H:%M:%S",
        "T%H:%M:%S",
        "T%H:%M:%S%z",
        " %H:%M:%S.%f",
        "T%H:%M:%S.%f",
    )
)
"""Formats of dates that are tried, in this order: a day that could be a month is read as the day."""

MOSTLY = 0.98
_CODE = re.compile(r"[+-]?0\d+")
_DIGITS = re.compile(r"\d{8}")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?|\d{8}([ T].*)?")
_TRIED = 200


@dataclass(frozen=True)
class ColumnKind:
    """What a column holds.

    Attributes:
        name: "number", "date", "category" or "empty".
        odd: Places of cells that do not fit, where nearly all others do.
        formats: Of a date, the one it is written in.
        ambiguous: Whether day and month could also be the other way round.
    """

    name: str
    odd: tuple[int, ...] = ()
    formats: tuple[str, ...] = ()
    ambiguous: bool = False


def kind_of(cells: Sequence[Cell]) -> ColumnKind:
    """What the cells of a column are; None and blank ones are missing.

    >>> kind_of(["1", "2.5", None, "NA"]).name, kind_of(["007", "010"]).name, kind_of(["2024-01-31"]).formats
    ('number', 'category', ('%Y-%m-%d',))
    """
    seen = Counter(texts(cells))
    if not seen:
        return ColumnKind("empty")
    told = {text: times for text, times in seen.items() if not is_missing_word(text)}
    if not told or any(_CODE.fullmatch(text) for text in told):
        return ColumnKind("category")
    form = _format(told)
    odd = {text for text in told if not (_fits(text, form) if form else _is_number(text))}
    if sum(told[text] for text in odd) > (1 - MOSTLY) * sum(told.values()):
        return ColumnKind("category")
    places = [i for i, cell in enumerate(cells) if cell and cell.strip() in odd] if odd else []
    if not form:
        return ColumnKind("number", tuple(places))
    other = _swapped(form)
    ambiguous = bool(other) and all(_fits(text, other) for text in told)
    return ColumnKind("date", tuple(places), (form,), ambiguous)


def _format(told: Mapping[str, int]) -> str:
    """The first format of dates that fits nearly all of some texts; "" when none does.

    Eight digits are a date only where all are.
    """
    sample = dict(list(told.items())[:_TRIED])
    rows = sum(sample.values())
    if sum(times for text, times in sample.items() if _DATE.fullmatch(text)) < MOSTLY * rows:
        return ""
    for form in FORMATS:
        least = 1.0 if form == "%Y%m%d" else MOSTLY
        if sum(times for text, times in sample.items() if _fits(text, form)) >= least * rows:
            return form
    return ""


def _is_number(text: str) -> bool:
    return number_of(text) is not None


def _fits(text: str, form: str) -> bool:
    if form == "%Y%m%d" and not (_DIGITS.fullmatch(text) and "1900" <= text[:4] <= "2100"):
        return False
    return date_of(text, (form,)) is not None


def _swapped(form: str) -> str:
    """The same format with day and month the other way round; "" where there is none.

    >>> _swapped("%d/%m/%Y"), _swapped("%Y-%m-%d")
    ('%m/%d/%Y', '')
    """
    if form.startswith("%d/%m"):
        return form.replace("%d/%m", "%m/%d")
    return form.replace("%m/%d", "%d/%m") if form.startswith("%m/%d") else ""


def texts(cells: Iterable[Cell]) -> list[str]:
    """The cells that are not missing, without spaces around them."""
    return [text for cell in cells if cell and (text := cell.strip())]
