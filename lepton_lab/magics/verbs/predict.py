# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton predict`: what a model says about images: paths, wildcards, folders or variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lepton_lab.magics.verb import Part, Positional, Request, Verb
from lepton_lab.magics.verbs.evaluate import TRAINED, resolve_trained
from lepton_lab.spec import option


@dataclass(frozen=True)
class PredictOptions:
    """How much to show."""

    top: int = option(5, "classes to show per input", low=1, high=1000)


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Predict; one image gives a Prediction, several give Predictions."""
    from lepton_lab import workbench

    trained = resolve_trained(request.word("model"), namespace)
    inputs = [input_of(word, namespace) for word in request.word("inputs")]
    return workbench.predict(
        trained, inputs[0] if len(inputs) == 1 else inputs, **request.given(PredictOptions)
    )


def input_of(word: str, namespace: Mapping[str, Any]) -> Any:
    """A variable's value, else the word itself: a path, a wildcard or a folder."""
    variable = word.isidentifier() and word in namespace and not Path(word).exists()
    return namespace[word] if variable else word


RECORD = Verb(
    name="predict",
    description="what a model says about new inputs",
    positionals=(
        TRAINED,
        Positional(
            "inputs",
            "input",
            "image, wildcard, folder or variable",
            "INPUT",
            required=True,
            many=True,
        ),
    ),
    parts=(Part(PredictOptions),),
    function="predict",
    call=call,
    examples=("predict cat.jpg --top=3", "predict digits-lepton_glyphs-1 'photos/*.png'"),
)
