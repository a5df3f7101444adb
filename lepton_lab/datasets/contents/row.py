# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a table: a mapping from column to text, or to nothing where the value is not known."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.datasets.checking import Check, digest_of
from lepton_lab.datasets.column_kinds import kind_of
from lepton_lab.datasets.content import Content
from lepton_lab.errors import DataError
from lepton_lab.rendering import Markup, escape
from lepton_lab.runtime.errors import InputError
from lepton_lab.runtime.row_input import read_row

if TYPE_CHECKING:
    from lepton_lab.datasets.dataset import Dataset
    from lepton_lab.datasets.splits import Split

SHOWN = 8
_REPEATED = 0.2
_CUT = 40


def check(payloads: Sequence[Any]) -> list[Check]:
    """Every row as its JSON. In a table of few combinations equal rows are no copies of each other.

    Equal rows stay on one side of a split, but a table in which fewer than a fifth of the rows are
    different (three yes-or-no columns, ten thousand rows) could not be split then.
    """
    data = [encoded(payload) for payload in payloads]
    if len(set(data)) < _REPEATED * len(data):
        return [
            Check(len(one), digest_of(one + b"%d" % i), decoded=True) for i, one in enumerate(data)
        ]
    return [Check(len(one), digest_of(one), decoded=True) for one in data]


def read(payload: Any) -> Mapping[str, Any]:
    """The row, column to text or None. Raises RowError when it is none."""
    return read_row(payload)


def encoded(payload: Any) -> bytes:
    """The row as a JSON object."""
    return json.dumps(dict(read_row(payload)), ensure_ascii=False).encode("utf-8", "surrogatepass")


def inputs(source: Any) -> list[tuple[str, Any]]:
    """All rows that `source` stands for, in order.

    Args:
        source: A mapping, JSON as text or bytes, a JSON file, a table (a path or a data frame), or a
            list of rows.

    Raises:
        DataError: It is no row and no table.
    """
    from lepton_lab.datasets.sources.columns import is_table, read_table

    if isinstance(source, (list, tuple)) and not is_table(source):
        return [(f"row {i}", inputs(one)[0][1]) for i, one in enumerate(source, 1)]
    path = isinstance(source, (str, os.PathLike)) and not str(source).lstrip().startswith("{")
    if not isinstance(source, Mapping) and is_table(source):
        table = read_table(source)
        return list(zip(table.ids, table.rows, strict=True))
    try:
        return [(Path(source).name if path else "row 1", read_row(source))]
    except InputError as error:
        raise DataError(
            "This is no row of a table.",
            f"{error}.",
            "model.predict({'column': value, ...})",
        ) from error


def tile(split: Split, index: int) -> Markup:
    """The first columns of a row with their values."""
    row = split.read(index)
    shown = [(name, "–" if value is None else str(value)[:_CUT]) for name, value in row.items()]
    rest = len(shown) - SHOWN
    cells = "".join(
        f'<tr><td style="padding:0 .6em 0 0;text-align:left;color:var(--jp-ui-font-color2,#666)">{escape(name)}</td>'
        f'<td style="text-align:right">{escape(value)}</td></tr>'
        for name, value in shown[:SHOWN]
    )
    more = f'<tr><td colspan="2">… {rest} more</td></tr>' if rest > 0 else ""
    plain = ", ".join(f"{name}={value}" for name, value in shown[:SHOWN])
    return Markup(
        f'<table title="{escape(split[index].id)}" style="font-size:11px;border-collapse:collapse">'
        f"<tbody>{cells}{more}</tbody></table>",
        plain + (f", … {rest} more" if rest > 0 else ""),
    )


def facts(dataset: Dataset) -> dict[str, str]:
    """How many columns there are of each kind."""
    rows = [read(sample.payload) for sample in dataset.train]
    if not rows:
        return {}
    kinds = Counter(kind_of([row.get(name) for row in rows]).name for name in rows[0])
    words = {
        "number": ("number", "numbers"),
        "category": ("category", "categories"),
        "date": ("date", "dates"),
        "empty": ("empty", "empty"),
    }
    said = [
        f"{kinds[k]} {one if kinds[k] == 1 else many}"
        for k, (one, many) in words.items()
        if kinds[k]
    ]
    return {"columns": f"{len(rows[0])}: {', '.join(said)}"}


RECORD = Content(
    name="row",
    noun="row",
    nouns="rows",
    check=check,
    read=read,
    encoded=encoded,
    inputs=inputs,
    tile=tile,
    facts=facts,
)
