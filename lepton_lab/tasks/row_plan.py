# SPDX-License-Identifier: BSD-3-Clause
"""The plan of the columns, learned from the training rows alone.

    {"kind": "row", "columns": [{"name": "tenure", "kind": "number", "scales": [...], ...}, ...]}

A number goes through a piecewise linear scale that makes the training values about standard normal
(ranks through the normal quantile, as arXiv 2106.11959 does), so outliers lose their force and every
column weighs alike. It is plain data: `runtime.row_input` carries it out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lepton_lab.datasets.column_kinds import Cell, ColumnKind, kind_of, texts
from lepton_lab.runtime.cells import date_of, date_parts, is_missing_word, number_of

LANDMARKS = 96
MOST_VALUES = 1000
Row = Mapping[str, Cell]


def learn(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The columns of a plan for `runtime.row_input.make`, in the order of the rows.

    Args:
        rows: Training rows, column to text or None; all have the same columns.

    A column that holds nothing in these rows is left out.
    """
    found = []
    for name in rows[0]:
        cells = [row[name] for row in rows]
        kind = kind_of(cells)
        if kind.name == "category":
            found.append({"name": name, "kind": "category", "values": categories(cells)})
        elif kind.name != "empty":
            found.append(_numeric(name, kind, cells))
    return found


def categories(cells: Sequence[Cell]) -> list[str]:
    """The values that are told apart, the most frequent first; the others count as unknown.

    A value that is nearly never seen teaches nothing of itself: its rows teach what to make of unknown ones.
    """
    seen = Counter(texts(cells))
    least = fewest(len(cells))
    kept = [value for value, times in seen.items() if times >= least]
    return sorted(kept, key=lambda value: (-seen[value], value))[:MOST_VALUES]


def fewest(rows: int) -> int:
    """How often a category must be seen among so many rows to be one of its own.

    >>> fewest(50), fewest(5000), fewest(1_000_000)
    (2, 5, 20)
    """
    return int(min(20, max(2, rows // 1000)))


def _numeric(name: str, kind: ColumnKind, cells: Sequence[Cell]) -> dict[str, Any]:
    """A column of numbers or dates: one scale per part, and what stands for a missing value."""
    parts: tuple[str, ...] = ("value",)
    if kind.name == "date":
        parts = (
            "elapsed",
            "year",
            "month",
            "weekday",
            *(("hour",) if "%H" in kind.formats[0] else ()),
        )
    values = [_values(text, kind, parts) for text in texts(cells) if not is_missing_word(text)]
    table = np.array([value for value in values if value is not None], np.float64)
    column: dict[str, Any] = {
        "name": name,
        "kind": kind.name,
        "scales": [scale(part) for part in table.T],
        "fill": [float(np.median(part)) for part in table.T],
        "indicator": len(table) < len(cells),
    }
    return column | (
        {"formats": list(kind.formats), "parts": list(parts)} if kind.name == "date" else {}
    )


def _values(text: str, kind: ColumnKind, parts: Sequence[str]) -> list[float] | None:
    if kind.name == "number":
        number = number_of(text)
        return None if number is None else [number]
    moment = date_of(text, kind.formats)
    return None if moment is None else date_parts(moment, parts)


def scale(values: NDArray[np.float64]) -> dict[str, list[float]]:
    """Landmarks of the way from values (N,) to normal scores, evenly spaced in the scores.

    Equal values share one score.

    >>> scale(np.array([0.0, 1.0, 1.0, 0.0]))
    {'at': [0.0, 1.0], 'to': [-0.67449, 0.67449]}
    """
    at, times = np.unique(values, return_counts=True)
    share = (np.cumsum(times) - times / 2) / len(values)
    normal = NormalDist()
    if len(at) > LANDMARKS:
        low, high = (normal.inv_cdf(float(share[end])) for end in (0, -1))
        wanted = [normal.cdf(z) for z in np.linspace(low, high, LANDMARKS)[:-1].tolist()]
        keep = np.unique(np.append(np.searchsorted(share, wanted), len(at) - 1))
        at, share = at[keep], share[keep]
    return {"at": at.tolist(), "to": [round(normal.inv_cdf(p), 6) for p in share.tolist()]}
