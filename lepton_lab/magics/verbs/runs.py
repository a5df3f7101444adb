# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton runs`: the runs of this project; one name shows that run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lepton_lab.magics.verb import Positional, Request, Verb


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """List runs by wildcard, or return the one run of that name."""
    from lepton_lab import workbench

    word = request.word("run")
    if word is None or any(mark in word for mark in "*?["):
        return workbench.runs(word or "*")
    return workbench.resolve_run(word, namespace)


RECORD = Verb(
    name="runs",
    description="the runs of this project, or one of them",
    positionals=(Positional("run", "run", "name of a run, or wildcard", metavar="RUN|PATTERN"),),
    parts=(),
    function="runs",
    call=call,
    examples=("runs", "runs digits*"),
)
