# SPDX-License-Identifier: BSD-3-Clause
"""Every table, whatever it is for: read once, told its task, and handed to the file that knows that task.

lab.data("reviews.csv")    lab.data(frame, label="churn")    lab.data("reviews.csv", task="text-classification")
"""

from __future__ import annotations

import importlib
from typing import Any

from lepton_lab.datasets.records import Finding, Reading, Source, no_such
from lepton_lab.datasets.sources import table
from lepton_lab.datasets.sources.columns import Columns, Told, is_table, read_table, tell_task
from lepton_lab.spec import DataSpec

# Task -> the module whose `read(columns, told, spec)` makes a `Reading` of the table.
_READERS = {
    "text-classification": "text_table",
    "token-classification": "token_table",
    "audio-classification": "sound_table",
    "tabular-classification": "row_table",
    "tabular-regression": "row_table",
}


def read(source: Any, spec: DataSpec) -> Reading:
    """The samples of a table. Raises DataError when it is not clear what they are."""
    columns = read_table(source)
    told = tell_task(columns, spec)
    if told.task == "image-classification":
        return table.read(source, spec)
    return read_as(columns, told, spec)


def read_as(columns: Columns, told: Told, spec: DataSpec) -> Reading:
    """The samples of a table whose task is known."""
    if told.task not in _READERS:
        raise no_such(
            f"A table cannot be read for {told.task}.",
            f"Tables are read for: {', '.join(['image-classification', *_READERS])}.",
            f"lab.data({columns.source!r})",
        )
    if spec.task == "auto":
        what = f"The table is read for {told.reason}."
        done = "Overrule it with task=, text=, label= and their like."
        columns.findings.append(Finding("told-task", "info", 1, what, done))
    module = importlib.import_module(f"lepton_lab.datasets.sources.{_READERS[told.task]}")
    found: Reading = module.read(columns, told, spec)
    return found


SOURCE = Source(
    "rows", "A table: CSV, TSV, JSON lines, Parquet, a data frame, lists.", is_table, read
)
