# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton data`: read a data set, split it, and show what is in it and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lepton_lab.magics.verb import Part, Positional, Request, Verb
from lepton_lab.spec import DataSpec

DATA = Positional(
    "data", "data", "folder, table, sample, hub name or variable; the latest when left out"
)


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Read the data set."""
    from lepton_lab import workbench

    return workbench.resolve_data(request.word("data"), namespace, **request.given(DataSpec))


RECORD = Verb(
    name="data",
    description="read and check a data set",
    positionals=(DATA,),
    parts=(Part(DataSpec),),
    function="data",
    call=call,
    examples=("data digits", "data digits --val=0.2 --exclude=8,9"),
)
