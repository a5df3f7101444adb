# SPDX-License-Identifier: BSD-3-Clause
"""The cells of a table: what a single value is, which texts are numbers or dates, which say "not known".

Reading a table, learning a plan from it and answering a row of a user all ask these functions, so a
cell means the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from .errors import InputError

MISSING_WORDS = frozenset(
    {"na", "n/a", "#n/a", "nan", "null", "none", "nil", "nat", "?", "-", "--", ".", "missing"}
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
LARGEST = 1e300
_EPOCH = datetime(1970, 1, 1)


class RowError(InputError):
    """A row that cannot be used; it names the column.

    Args:
        code: "not-a-row", "missing-column", "not-a-cell", "not-a-number" or "not-a-date".
        reason: What was found, with the name of the column.
        name: The file's name, or an empty string.
    """


def cell(name: str, value: Any) -> str | float | datetime | None:
    """The value of a column in a plain form; None where it is missing.

    Raises:
        RowError: "not-a-cell": a list, a mapping, or anything else that is no single value.
    """
    if value is None or isinstance(value, str):
        return value if value and value.strip() else None
    if isinstance(value, (bool, int, float)):
        return None if value != value else value
    if isinstance(value, datetime):
        return value if value == value else None
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if type(value).__name__ == "NAType":
        return None
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return cell(name, value.item())
    kind = type(value).__name__
    raise RowError("not-a-cell", f"the column '{name}' needs a single value; got a {kind}")


def number_of(text: str) -> float | None:
    """The number that a text is, or None. Only digits, sign, point and exponent; nothing infinite.

    >>> number_of(" 1.5e3 "), number_of("1,5"), number_of("nan"), number_of("1e999")
    (1500.0, None, None, None)
    """
    text = text.strip()
    if len(text) > 400 or not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) <= LARGEST else None


def date_of(text: str, formats: Iterable[str]) -> datetime | None:
    """The moment that a text is, without a time zone (UTC where one is given), or None.

    >>> date_of("31.12.2024", ["%d.%m.%Y"]), date_of("31.12.2024", ["%Y-%m-%d"])
    (datetime.datetime(2024, 12, 31, 0, 0), None)
    """
    text = text.strip()
    for form in formats:
        try:
            return _naive(datetime.strptime(text, form))
        except (ValueError, OverflowError):
            continue
    return None


def date_parts(moment: datetime, parts: Sequence[str]) -> list[float]:
    """Numbers that a date is told by: "elapsed" (days since 1970), "year", "month", "weekday", "hour"."""
    found = {
        "elapsed": (_naive(moment) - _EPOCH).total_seconds() / 86_400,
        "year": moment.year,
        "month": moment.month,
        "weekday": moment.weekday(),
        "hour": moment.hour + moment.minute / 60,
    }
    return [float(found[part]) for part in parts]


def is_missing_word(text: str) -> bool:
    """Whether a text where a number or a date belongs says that there is none."""
    return text.strip().lower() in MISSING_WORDS


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
