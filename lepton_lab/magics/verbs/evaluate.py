# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton evaluate`: metrics with intervals on images that the model was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lepton_lab.errors import NotFoundError
from lepton_lab.magics.verb import Part, Positional, Request, Verb
from lepton_lab.spec import option

TRAINED = Positional(
    "model",
    "trained",
    "run, model name or variable; the latest run when left out",
    metavar="RUN|MODEL",
)


@dataclass(frozen=True)
class EvaluateOptions:
    """What to evaluate on."""

    split: Literal["train", "val", "test"] | None = option(
        None, "split to report on; test, or val where there is no test split, when left out"
    )
    cost: str | None = option(
        None, "price of a missed yes and of a false alarm, for two classes of a table: miss=5,alarm=1"
    )


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Evaluate; returns the Evaluation."""
    from lepton_lab import workbench

    trained = resolve_trained(request.word("model"), namespace)
    word = request.word("data")
    data = None if word is None else workbench.resolve_data(word, namespace)
    return workbench.evaluate(trained, data, **request.given(EvaluateOptions))


def resolve_trained(word: str | None, namespace: Mapping[str, Any]) -> Any:
    """The Run that a word names (it knows its data), else the model; the latest when left out."""
    from lepton_lab import workbench

    variable = namespace.get(word) if word else None
    if isinstance(variable, workbench.LeptonModel):
        return variable
    try:
        return workbench.resolve_run(word, namespace)
    except NotFoundError as no_run:
        try:
            return workbench.resolve_model(word, namespace)
        except NotFoundError as no_model:
            raise (no_run if "Did you mean" in no_run.why else no_model) from None


RECORD = Verb(
    name="evaluate",
    description="measure a model on held-out samples",
    positionals=(TRAINED, Positional("data", "data", "data set; the one of the run when left out")),
    parts=(Part(EvaluateOptions),),
    function="evaluate",
    call=call,
    examples=("evaluate", "evaluate --split=val"),
)
