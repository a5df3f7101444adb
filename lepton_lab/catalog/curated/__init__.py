# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints to start from, for each task that the libraries' own index does not cover: one file per task."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from lepton_lab.catalog.entry import ModelEntry


@functools.cache
def curated() -> tuple[ModelEntry, ...]:
    """All entries, task by task, in the order of their files."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(entry for module in modules for entry in module.ENTRIES)
