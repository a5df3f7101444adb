# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton serve`: an address that answers, until it is stopped or the kernel ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lepton_lab.magics.verb import Part, Positional, Request, Verb
from lepton_lab.magics.verbs.evaluate import resolve_trained
from lepton_lab.spec import option


@dataclass(frozen=True)
class ServeOptions:
    """Where to listen, and how much to take at once."""

    port: int = option(0, "port on this machine; a free one when 0", low=0, high=65535)
    max_batch: int = option(32, "inputs that go through the model at once", low=1)
    max_queue: int = option(256, "inputs that may wait; more are told to come back", low=1)


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Serve; returns the Serving."""
    import lepton_lab as lab

    word = request.word("model")
    target = word
    if isinstance(namespace.get(word), lab.Artifact):
        target = namespace[word]
    elif word and not word.endswith((".lepton", ".zip")):
        target = resolve_trained(word, namespace)
    return lab.serve(target, **request.given(ServeOptions))


RECORD = Verb(
    name="serve",
    description="answer over HTTP from an artifact",
    positionals=(
        Positional(
            "model",
            "trained",
            "run, artifact, model name or variable; the latest when left out",
            metavar="RUN|ARTIFACT",
        ),
    ),
    parts=(Part(ServeOptions),),
    function="serve",
    call=call,
    examples=("serve", "serve --port=0 --max-batch=16"),
)
