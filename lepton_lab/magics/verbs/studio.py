# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton studio`: everything in one widget; a second call shows the one that is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lepton_lab.magics.verb import Part, Positional, Request, Verb
from lepton_lab.spec import option


@dataclass(frozen=True)
class StudioOptions:
    """What is open at first."""

    step: Literal["model", "data", "train", "run", "evaluate", "export"] | None = option(
        None, "step to open"
    )


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Open the Studio; returns it."""
    import lepton_lab as lab

    return lab.Studio.reopen(
        request.word("model"), request.word("data"), **request.given(StudioOptions)
    )


RECORD = Verb(
    name="studio",
    description="choose, train, evaluate and export in one widget",
    positionals=(
        Positional("model", "trained", "model to begin with"),
        Positional("data", "data", "folder, table or sample to begin with"),
    ),
    parts=(Part(StudioOptions),),
    function="Studio",
    call=call,
    examples=("studio", "studio lepton_glyphs digits --step=data"),
)
