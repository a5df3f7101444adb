# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton export`: write an artifact that was proven to compute what the model computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lepton_lab.magics.verb import Part, Request, Verb, named
from lepton_lab.magics.verbs.evaluate import TRAINED, resolve_trained
from lepton_lab.spec import option


def formats() -> list[str]:
    """The registered formats, and all of them."""
    from lepton_lab.exporting.registered import formats as registered

    return [*registered.names(), "all"]


@dataclass(frozen=True)
class ExportOptions:
    """What to write, and where."""

    format: str = named("onnx", "format of the model file", formats)
    to: str | None = option(
        None, "folder to write, such as flowers.lepton; beside the run when left out"
    )
    baseline: bool = option(False, "write the boosted trees that were fitted beside a model of tables")
    cost: str | None = option(
        None, "price of a missed yes and of a false alarm, which sets the threshold: miss=5,alarm=1"
    )


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Export; returns the Artifact."""
    from lepton_lab import workbench

    trained = resolve_trained(request.word("model"), namespace)
    return workbench.export(trained, **request.given(ExportOptions))


RECORD = Verb(
    name="export",
    description="write an artifact that was proven right",
    positionals=(TRAINED,),
    parts=(Part(ExportOptions),),
    function="export",
    call=call,
    examples=("export --format=onnx", "export --to=digits.lepton"),
)
