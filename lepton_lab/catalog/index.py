# SPDX-License-Identifier: BSD-3-Clause
"""The shipped index, read once: every name of timm, the classifiers of transformers, what comes with us.

`index.json.gz` is made by `scripts/build_catalog.py` from the libraries themselves. Rows of one
architecture follow each other in timm's order of preference, so the first one is the default.
"""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import Any

from lepton_lab.catalog.entry import ModelEntry

INDEX = Path(__file__).parent / "index.json.gz"
BUILTIN = Path(__file__).parent / "builtin"
_SETS = {1000: "ImageNet-1k", 11821: "ImageNet-12k", 21841: "ImageNet-22k", 21842: "ImageNet-22k", 21843: "ImageNet-21k", 11221: "ImageNet-21k"}


@functools.cache
def entries() -> tuple[ModelEntry, ...]:
    """Every model by name: the built-in ones first, then the index in its own order, then those of other tasks."""
    from lepton_lab.catalog.curated import curated

    return (*builtin(), *(_entry(row) for row in _table()["rows"]), *curated())


@functools.cache
def by_name() -> dict[str, ModelEntry]:
    """Name (with its tag) -> entry."""
    return {entry.name: entry for entry in entries()}


@functools.cache
def by_architecture() -> dict[str, list[ModelEntry]]:
    """Architecture -> its entries, the default first."""
    found: dict[str, list[ModelEntry]] = {}
    for entry in entries():
        found.setdefault(entry.architecture, []).append(entry)
    return found


@functools.cache
def by_hub_id() -> dict[str, ModelEntry]:
    """Repository of the weights -> entry."""
    return {entry.hub_id: entry for entry in reversed(entries()) if entry.hub_id}


@functools.cache
def builtin() -> tuple[ModelEntry, ...]:
    """The models whose weights come with Lepton Lab."""
    from lepton_lab.catalog.folder import read_folder

    folders = sorted(path for path in BUILTIN.glob("*") if (path / "config.json").is_file())
    return tuple(read_folder(folder, source="builtin") for folder in folders)


def built_from() -> dict[str, str]:
    """Library -> version that the index was built from."""
    return dict(_table()["built_from"])


def left_out() -> dict[str, str]:
    """Model type of transformers' image classifiers -> why it is not in the index."""
    return dict(_table()["left_out"])


@functools.cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(gzip.decompress(INDEX.read_bytes()))
    return table


def _entry(row: list[Any]) -> ModelEntry:
    facts = dict(zip(_table()["columns"], row, strict=True))
    paper = facts.pop("paper")
    for key in ("input_size", "mean", "std"):
        facts[key] = tuple(facts[key])
    about = _SETS.get(facts["num_classes"], "")
    return ModelEntry(**facts, description=", ".join(part for part in (about, paper) if part))
