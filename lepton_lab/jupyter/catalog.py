# SPDX-License-Identifier: BSD-3-Clause
"""The models that can be trained, searched in the shipped index: no framework, no network."""

from __future__ import annotations

import tornado.web
from jupyter_server.auth.decorator import authorized

from lepton_lab.catalog import ModelEntry, models
from lepton_lab.errors import SpecError
from lepton_lab.jupyter.answers import ModelList, ModelRow
from lepton_lab.jupyter.handler import LeptonHandler, Route

LIMIT, MOST = 50, 500
LONGEST_QUERY = 200


class Catalog(LeptonHandler):
    """`GET catalog?query=&task=&licence=&max_parameters=&limit=50`: models whose name holds the words."""

    @tornado.web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with a `ModelList`."""
        query, task = self.argument("query"), self.argument("task")
        licence, largest = self.argument("licence"), self.argument("max_parameters")
        limit = self.argument("limit", str(LIMIT))
        await self.answer(lambda: found(query, task, limit, licence, largest))


def found(
    query: str, task: str = "", limit: str = str(LIMIT), licence: str = "", largest: str = ""
) -> ModelList:
    """The models for a query.

    Args:
        query: Words that must all be in the name; one with `*` or `?` is a pattern of whole names.
        task: Name of a task; all when empty.
        limit: How many of them, 1 to `MOST`.
        licence: Part of the licence's name; all when empty.
        largest: Most parameters, such as 30M; any number when empty.

    Raises:
        SpecError: The limit is no such number, or the query is too long.
    """
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:9]) <= MOST:
        raise SpecError(f"limit must be 1 to {MOST}.", f"It was '{limit[:20]}'.", f"limit={LIMIT}")
    if len(query) > LONGEST_QUERY:
        raise SpecError("The query is too long.", f"It may have {LONGEST_QUERY} characters.")
    words = query.lower().split()
    patterns = [word for word in words if set(word) & set("*?[")]
    rest = [word for word in words if word not in patterns]
    entries = models(
        patterns[0] if patterns else "*",
        task=task or None,
        licence=licence or None,
        max_params=largest or None,
    )
    hits = [entry for entry in entries if all(word in entry.name.lower() for word in rest)]
    hits.sort(key=lambda entry: _rank(entry, rest))
    return {"total": len(hits), "models": [row(entry) for entry in hits[: int(limit)]]}


def row(entry: ModelEntry) -> ModelRow:
    """A model as the page shows it."""
    return {
        "name": entry.name,
        "task": entry.task,
        "library": entry.source,
        "parameters": entry.params,
        "licence": entry.licence,
        "image_size": list(entry.input_size[1:]),
        "pretrained": entry.pretrained,
        "description": entry.description,
    }


def _rank(entry: ModelEntry, words: list[str]) -> tuple[bool, bool]:
    """What comes with us first, then names that begin with the first word; else in order of names."""
    begins = bool(words) and entry.name.lower().startswith(words[0])
    return entry.source != "builtin", not begins


ROUTES = (Route(r"catalog", Catalog),)
