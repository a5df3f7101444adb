# SPDX-License-Identifier: BSD-3-Clause
"""Name -> frozen record: the one way in which Lepton Lab is extended.

A task, a data source, an exporter, a view: each is one file that registers one record with a
one-line description. Tables, `--help`, completion and error messages are read off the records, so
nothing has to be listed twice. Packages outside add theirs through an entry point in the group
`lepton_lab.<kind>s` (a space in the kind becomes `_`) whose object is the record; they are loaded when
first asked for, and one that fails is left out with a warning.
"""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Iterator
from importlib import metadata
from typing import Generic, Protocol, TypeVar

from lepton_lab.errors import LeptonError, NotFoundError, did_you_mean


class Record(Protocol):
    """What every record has: a name and one line that says what it is."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def description(self) -> str:
        """What it is, in one line."""


R = TypeVar("R", bound=Record)
logger = logging.getLogger(__name__)


class Registry(Generic[R]):
    """Records of one kind by name, in the order in which they were registered.

    Args:
        kind: What the records are, in the singular, as a message would say it ("task").
        hint: The command that lists them, shown when a name is not found.
    """

    def __init__(self, kind: str, hint: str = "") -> None:
        self.kind, self.hint = kind, hint
        self._records: dict[str, R] = {}
        self._loaded = False

    def register(self, record: R) -> R:
        """Add a record and return it. Raises LeptonError when the name is taken by another one."""
        if self._records.get(record.name, record) != record:
            raise LeptonError(f"Two {self.kind}s are called '{record.name}'.")
        self._records[record.name] = record
        return record

    def get(self, name: str) -> R:
        """The record called `name`. Raises NotFoundError that names the nearest ones."""
        # A package that is being loaded for one registry may ask another for what comes along.
        if name not in self._records:
            self._load_entry_points()
        if name not in self._records:
            raise NotFoundError(
                f"No {self.kind} is called '{name}'.",
                did_you_mean(name, self._records) or "There are: " + ", ".join(self._records) + ".",
                self.hint,
            )
        return self._records[name]

    def match(self, pattern: str = "*") -> list[R]:
        """The records whose name matches a shell wildcard."""
        return [record for record in self if fnmatch.fnmatchcase(record.name, pattern)]

    def names(self) -> list[str]:
        """All names, in order of registration."""
        self._load_entry_points()
        return list(self._records)

    def __iter__(self) -> Iterator[R]:
        self._load_entry_points()
        return iter(list(self._records.values()))

    def __contains__(self, name: object) -> bool:
        self._load_entry_points()
        return name in self._records

    def __len__(self) -> int:
        self._load_entry_points()
        return len(self._records)

    def _load_entry_points(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for point in metadata.entry_points(group=f"lepton_lab.{self.kind.replace(' ', '_')}s"):
            try:
                self.register(point.load())
            except Exception as error:
                logger.warning("the %s '%s' of another package was left out: %s", self.kind, point.name, error)
