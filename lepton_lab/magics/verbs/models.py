# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton models`: find a pretrained model by name, task, size or licence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lepton_lab.magics.verb import Part, Positional, Request, Verb, named
from lepton_lab.spec import option


def tasks() -> list[str]:
    """The registered tasks."""
    from lepton_lab.tasks import tasks as registered

    return registered.names()


@dataclass(frozen=True)
class ModelsQuery:
    """Which models to list."""

    task: str | None = named(None, "only models for this task", tasks)
    max_params: str | None = option(None, "at most so many parameters, such as 30M")
    max_image_size: int | None = option(
        None, "at most so many pixels per side", low=1, high=100_000
    )
    licence: str | None = option(None, "only models under this licence, such as apache-2.0")
    source: Literal["timm", "transformers", "builtin"] | None = option(
        None, "only models of this library"
    )
    cached: bool | None = option(
        None, "only models whose weights are (or are not) on this computer"
    )
    sort: Literal["name", "params", "image_size"] = option("name", "order of the rows")


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """List the models that match."""
    import lepton_lab as lab

    return lab.models(request.word("pattern") or "*", **request.given(ModelsQuery))


RECORD = Verb(
    name="models",
    description="find a pretrained model",
    positionals=(Positional("pattern", "pattern", "name or wildcard such as resnet*"),),
    parts=(Part(ModelsQuery),),
    function="models",
    call=call,
    examples=("models resnet* --max-params=30M", "models --source=builtin --sort=params"),
)
