# SPDX-License-Identifier: BSD-3-Clause
"""What to say when nobody recognizes what was given as data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lepton_lab.datasets.records import call, no_such
from lepton_lab.datasets.sources import builtin
from lepton_lab.datasets.sources.names import FORMATS, TABLES, does_not_exist, suffix
from lepton_lab.errors import DataError


def explain(source: Any) -> DataError:
    """The error for an object that no source reads."""
    if hasattr(source, "splits") and hasattr(source, "classes"):
        return no_such(
            "This data set is loaded already.",
            "Options are fixed when data are read.",
            "lab.data(ds.spec.path, ...)",
        )
    if not isinstance(source, (str, os.PathLike)):
        return no_such(
            f"Data of type {type(source).__name__} are not understood.",
            "Give a folder, a table, (images, labels), a datasets object or a built-in name.",
            "lab.data((images, labels))",
        )
    text = os.fspath(source)
    if not text or "\0" in text:
        return no_such(
            "No data were named.",
            "A folder, a table or a built-in sample is needed.",
            call("digits"),
        )
    if "://" in text:
        return no_such(
            f'"{text}" is an address; data are not downloaded from there.',
            "Copy the images here first.",
            call("digits"),
        )
    path = Path(text).expanduser()
    if not path.exists():
        return does_not_exist(path, builtin.NAMES)
    if suffix(path.name) in FORMATS:
        return no_such(
            f'"{text}" is one image, not a data set.',
            "Give the folder that holds the class folders.",
            call(path.parent.parent),
        )
    if path.is_dir():
        return no_such(
            f'"{text}" is a folder, not a table.',
            "A folder is read by its class folders.",
            call(text),
        )
    if suffix(path.name) in TABLES:
        return no_such(
            f'"{text}" is a table, not a folder.', "A table is read row by row.", call(text)
        )
    kind = suffix(path.name) or "without a suffix"
    return no_such(
        f'"{text}" is a file of a kind that is not read ({kind}).',
        "Tables may be .csv, .tsv or .parquet; archives must be unpacked first.",
        call(path.with_suffix("") if path.with_suffix("").is_dir() else path.parent),
    )
