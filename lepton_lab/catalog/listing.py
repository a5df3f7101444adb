# SPDX-License-Identifier: BSD-3-Clause
"""Searching the catalogue: `lab.models("convnext*", max_params="30M")`."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any, overload

from lepton_lab.catalog import cache, index
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.errors import SpecError, did_you_mean
from lepton_lab.rendering import Table, count

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
_SORTS = {
    "name": lambda entry: entry.name,
    "params": lambda entry: (entry.params == 0, entry.params, entry.name),
    "image_size": lambda entry: (max(entry.input_size[1:], default=0), entry.params, entry.name),
}
_SOURCES = ("builtin", "timm", "transformers", "tabular")


class ModelList(Sequence[ModelEntry]):
    """Models that were found, as a table.

    Args:
        found: The entries, in order.
        total: How many there are without the filters.
    """

    def __init__(self, found: Sequence[ModelEntry], total: int) -> None:
        self._found, self.total = tuple(found), total

    @property
    def names(self) -> list[str]:
        """The names, in order."""
        return [entry.name for entry in self._found]

    @overload
    def __getitem__(self, index: int) -> ModelEntry: ...
    @overload
    def __getitem__(self, index: slice) -> ModelList: ...
    def __getitem__(self, index: int | slice) -> ModelEntry | ModelList:
        found = self._found[index]
        return found if isinstance(found, ModelEntry) else ModelList(found, self.total)

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[ModelEntry]:
        return iter(self._found)

    def table(self, rows: int = 50) -> Table:
        """The first `rows` models as a table; the others are counted."""
        columns = ("name", "params", "input", "classes", "source", "licence", "cached")
        shown = [_row(entry) for entry in self._found[:rows]]
        # Rows beyond the shown ones are only counted, and need no look into the cache folder.
        shown += [("", "", "", "", "", "", "")] * (len(self._found) - len(shown))
        title = f"{len(self._found)} of {self.total} models"
        return Table(columns, shown, title=title)

    def __repr__(self) -> str:
        return self.table(12).text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.table()._repr_mimebundle_()


def models(
    pattern: str = "*",
    *,
    task: str | None = None,
    max_params: str | int | float | None = None,
    max_image_size: int | None = None,
    licence: str | None = None,
    source: str | None = None,
    cached: bool | None = None,
    sort: str = "name",
) -> ModelList:
    """The models whose name matches a shell wildcard and that pass the filters.

    Args:
        pattern: "resnet50" (all its tags), "convnext*", "*in22k*", "microsoft/*".
        task: Name of a task.
        max_params: Largest number of parameters: 30_000_000, "30M", "1.5B".
        max_image_size: Largest side of the input image in pixels.
        licence: Part of the licence's name, such as "apache".
        source: "timm", "transformers", "tabular" or "builtin".
        cached: True for the ones whose weights are on this machine, False for the others.
        sort: "name", "params" or "image_size".

    Raises:
        SpecError: A filter has a value that it cannot have.
    """
    order = _choice("sort", sort, _SORTS)
    limit = None if max_params is None else parse_count(max_params)
    wanted = None if source is None else _choice("source", source, _SOURCES)
    everything = index.entries()
    found = [entry for entry in everything if matches(entry, pattern)]
    if task is not None:
        found = [entry for entry in found if task in (entry.task, *entry.also)]
    if limit is not None:
        found = [entry for entry in found if 0 < entry.params <= limit]
    if max_image_size is not None:
        found = [entry for entry in found if 0 < max(entry.input_size[1:], default=0) <= max_image_size]
    if licence is not None:
        found = [entry for entry in found if licence.lower() in entry.licence.lower()]
    if wanted is not None:
        found = [entry for entry in found if entry.source == wanted]
    if cached is not None:
        here = set(cache.cached_repositories())
        found = [entry for entry in found if (bool(entry.location) or entry.hub_id in here) == cached]
    return ModelList(sorted(found, key=_SORTS[order]), len(everything))


def matches(entry: ModelEntry, pattern: str) -> bool:
    """Whether a wildcard fits the name with its tag or without it, in any case of letters."""
    expression = _expression(pattern)
    return bool(expression.match(entry.name) or expression.match(entry.architecture))


def parse_count(value: str | int | float) -> int:
    """A number of parameters.

    Raises:
        SpecError: It is no positive number with an optional k, M or B.

    >>> parse_count("30M"), parse_count("1.5 b"), parse_count(1000)
    (30000000, 1500000000, 1000)
    """
    found = re.fullmatch(r"\s*(\d+(?:[._]?\d+)*(?:e\d+)?)\s*([kmb]?)\s*", str(value).lower())
    try:
        number = float(found[1].replace("_", "")) * _UNITS[found[2]] if found else 0.0
    except ValueError:
        number = 0.0
    if isinstance(value, bool) or not 0 < number < 1e15:
        raise SpecError(
            f"max_params needs a number of parameters such as 30M; got {str(value)[:40]!r}.",
            "k, M and B stand for thousand, million and billion.",
            "%lepton models --max-params=30M",
        )
    return int(number)


@functools.lru_cache(maxsize=64)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern), re.IGNORECASE)


def _choice(option: str, value: str, choices: Any) -> str:
    if value not in choices:
        raise SpecError(
            f"{option} cannot be {str(value)[:40]!r}.",
            did_you_mean(str(value), choices) or "There are: " + ", ".join(choices) + ".",
            f"%lepton models --{option}={next(iter(choices))}",
        )
    return value


def _row(entry: ModelEntry) -> tuple[str, ...]:
    height, width = entry.input_size[1:] or (0, 0)
    size = f"{height or '–'}" if height == width else f"{height}x{width}"
    flag = " !" if entry.licence_note == "not for commercial use" else ""
    return (
        entry.name,
        count(entry.params) if entry.params else "–",
        size,
        str(entry.num_classes) if entry.num_classes else "–",
        entry.source,
        (entry.licence or "–") + flag,
        "✓" if entry.cached else "",
    )
