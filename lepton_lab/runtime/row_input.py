# SPDX-License-Identifier: BSD-3-Clause
"""One row of a table, as JSON or as a mapping, to the numbers and category indexes of a model.

The plan of the columns was learned from the training rows and travels as plain data. A number, and
each part of a date, goes through a piecewise linear scale to about a standard normal; a category
becomes its place in a list. Nothing is guessed: a column that is not there, or holds what it cannot
hold, is refused by name; null, an empty text and (where a number or a date belongs) words such as
`NA` say that a value is not known.
"""

from __future__ import annotations

import json
import math
import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from .cells import LARGEST, RowError, cell, date_of, date_parts, is_missing_word, number_of

UNKNOWN, MISSING, FIRST = 0, 1, 2
"""Index of a category that training did not know, of a missing one, and of the first known one."""


class RowPreparer:
    """Rows by the plan of a model: see `make`."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self.columns: list[Mapping[str, Any]] = list(plan["columns"])
        self._places = {
            column["name"]: {value: FIRST + i for i, value in enumerate(column["values"])}
            for column in self.columns
            if column["kind"] == "category"
        }

    def prepare(self, source: Any) -> dict[str, np.ndarray]:
        """One row as the model takes it.

        Args:
            source: A mapping from column to value, or a JSON object as bytes, as text or in a file.

        Returns:
            "numbers": float32 (n,) and "categories": int64 (m,), each only where the plan has some.

        Raises:
            RowError: Names the column that is missing or holds what it cannot hold.
        """
        row = read_row(source)
        numbers: list[float] = []
        categories: list[int] = []
        for column in self.columns:
            found = self._column(column, row)
            if isinstance(found, int):
                categories.append(found)
            else:
                numbers += found
        arrays: dict[str, np.ndarray] = {}
        if numbers:
            arrays["numbers"] = np.array(numbers, np.float32)
        if categories:
            arrays["categories"] = np.array(categories, np.int64)
        return arrays

    def stages(self, source: Any) -> Iterator[tuple[str, np.ndarray]]:
        """See `inputs.Staged`; a step is a column."""
        row = read_row(source)
        for column in self.columns:
            yield f"column '{column['name']}'", np.array(self._column(column, row), np.float64)

    def _column(self, column: Mapping[str, Any], row: Mapping[str, Any]) -> int | list[float]:
        """The index of a category, or the scaled numbers of another column."""
        name = column["name"]
        if name not in row:
            raise _absent(name, row)
        value = cell(name, row[name])
        if column["kind"] == "category":
            return _category(self._places[name], value)
        return _scaled(column, value)

    def collate(self, rows: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Prepared rows as one batch, stacked."""
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def make(preprocessing: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> RowPreparer:
    """The preparer of a plan, which has no files.

    Args:
        preprocessing: "columns", each with "name" and "kind". A "category" has "values"; a "number"
            and a "date" have "scales" ({"at": [...], "to": [...]} each), "fill" (what stands for a
            missing value, per scale) and "indicator" (whether being missing is a number of its own);
            a date also has "formats" and "parts".
        files: Not used.
    """
    return RowPreparer(preprocessing)


def read_row(source: Any) -> Mapping[str, Any]:
    """A row from whatever holds it: a mapping, something with `to_dict`, JSON, or a file of JSON.

    Raises:
        RowError: "not-a-row".
    """
    if isinstance(source, Mapping):
        return source
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _parsed(bytes(source), "")
    if isinstance(source, str) and source.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        return _parsed(source.encode("utf-8", "surrogatepass"), "")
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        try:
            return _parsed(path.read_bytes(), path.name)
        except (OSError, ValueError) as error:
            if isinstance(error, RowError):
                raise
            raise RowError("not-a-row", f"cannot be read ({error})", path.name[:80]) from error
    if hasattr(source, "to_dict"):
        found = source.to_dict()
        if isinstance(found, Mapping):
            return found
    raise RowError("not-a-row", f"a row is a mapping or a JSON object; got {type(source).__name__}")


def _scaled(column: Mapping[str, Any], value: Any) -> list[float]:
    """The numbers of a number or date column: its scaled parts, then whether it is missing."""
    values = _number(column, value) if column["kind"] == "number" else _date(column, value)
    given = column["fill"] if values is None else values
    found = [_on_scale(scale, x) for scale, x in zip(column["scales"], given, strict=True)]
    return [*found, float(values is None)] if column["indicator"] else found


def _on_scale(scale: Mapping[str, Any], x: float) -> float:
    """Linear between the landmarks, flat outside them."""
    at, to = scale["at"], scale["to"]
    place = bisect_right(at, x)
    if place == 0:
        return float(to[0])
    if place == len(at):
        return float(to[-1])
    share = (x - at[place - 1]) / (at[place] - at[place - 1])
    return float(to[place - 1] + share * (to[place] - to[place - 1]))


def _number(column: Mapping[str, Any], value: Any) -> list[float] | None:
    if isinstance(value, str):
        if is_missing_word(value):
            return None
        found = number_of(value)
        if found is not None:
            return [found]
    elif value is None:
        return None
    elif isinstance(value, (int, float)) and abs(value) <= LARGEST:
        return [float(value)]
    reason = f"the column '{column['name']}' needs a number; got {_shown(value)}"
    raise RowError("not-a-number", reason)


def _date(column: Mapping[str, Any], value: Any) -> list[float] | None:
    if value is None or (isinstance(value, str) and is_missing_word(value)):
        return None
    moment = value if isinstance(value, datetime) else date_of(str(value), column["formats"])
    if moment is None:
        wanted = " or ".join(column["formats"])
        reason = f"the column '{column['name']}' needs a date ({wanted}); got {_shown(value)}"
        raise RowError("not-a-date", reason)
    return date_parts(moment, column["parts"])


def _category(places: Mapping[str, int], value: Any) -> int:
    if value is None:
        return MISSING
    return next((places[text] for text in _spellings(value) if text in places), UNKNOWN)


def _spellings(value: Any) -> list[str]:
    """How a category may be written in the table that was learned from: 1.0 as "1", true as "True"."""
    if isinstance(value, bool):
        return [str(value).lower(), str(value), str(int(value))]
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return [str(int(value)), str(value)]
    return [str(value).strip()]


def _parsed(data: bytes, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once)
    except RowError as error:
        raise RowError(error.code, error.reason, name) from None
    except (ValueError, RecursionError) as error:
        raise RowError("not-a-row", f"no JSON object ({error})"[:200], name) from error
    if not isinstance(found, Mapping):
        raise RowError("not-a-row", f"a row is a JSON object; got a {type(found).__name__}", name)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RowError("not-a-row", f"the column '{key[:80]}' is given twice")
        found[key] = value
    return found


def _absent(name: str, row: Mapping[str, Any]) -> RowError:
    keys = {str(key).strip().lower(): str(key) for key in row}
    near = get_close_matches(name.strip().lower(), list(keys), 1, 0.6)
    hint = f"; is it '{keys[near[0]][:80]}'?" if near else "; give null where it is not known"
    return RowError("missing-column", f"the column '{name}' is missing{hint}")


def _shown(value: Any) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else text[:40] + "…")
