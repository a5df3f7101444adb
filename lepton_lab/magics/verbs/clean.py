# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton clean`: suspect samples in a grid; relabel, drop and keep them without changing a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lepton_lab.errors import NotFoundError
from lepton_lab.magics.verb import Part, Positional, Request, Verb
from lepton_lab.spec import option


@dataclass(frozen=True)
class CleanOptions:
    """What looks at the samples."""

    model: str | None = option(None, "backbone whose features are used; chosen when left out")


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Find suspects; returns the Cleaning."""
    import lepton_lab as lab

    word = request.word("data")
    return lab.clean(_source(word, namespace), **request.given(CleanOptions))


def _source(word: str | None, namespace: Mapping[str, Any]) -> Any:
    """The variable or run that a word names, else the data set."""
    from lepton_lab import workbench

    if not word or isinstance(namespace.get(word), workbench.LeptonModel):
        return namespace.get(word) if word else workbench.resolve_data(None, namespace)
    try:
        return workbench.resolve_run(word, namespace)
    except NotFoundError:
        return workbench.resolve_data(word, namespace)


RECORD = Verb(
    name="clean",
    description="find wrong labels and copies, and decide about them",
    positionals=(
        Positional(
            "data",
            "data",
            "folder, table, sample, run or variable; the latest data when left out",
            metavar="DATA|RUN",
        ),
    ),
    parts=(Part(CleanOptions),),
    function="clean",
    call=call,
    examples=("clean digits", "clean digits --model=lepton_glyphs"),
)
