# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton compress`: smaller forms of a model, measured, and the smallest that is good enough as a run of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lepton_lab.magics.verb import Part, Positional, Request, Verb, named
from lepton_lab.magics.verbs.evaluate import TRAINED, resolve_trained
from lepton_lab.spec import option


def quantizers() -> list[str]:
    """The registered methods that make numbers smaller."""
    from lepton_lab.compression.registered import QUANTIZERS

    return list(QUANTIZERS)


@dataclass(frozen=True)
class CompressOptions:
    """What is tried, and how much it may cost."""

    quantize: tuple[str, ...] = named((), "numbers of fewer bits, separated by commas; all are tried when no method is named", quantizers)  # fmt: skip
    prune: float = option(0.0, "share of the channels to take out; a short training follows", low=0.0, high=0.95)
    distill_to: str = option("", "smaller model of the catalogue that is taught by this one")
    max_drop: float = option(0.01, "how far the metric may drop, by the bad end of its interval", low=0.0, high=1.0)
    epochs: int = option(0, "of the training after pruning or of the student; 0 decides", low=0, high=10_000)


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Compress; returns the Compression."""
    from lepton_lab import workbench

    word = request.word("model")
    trained = resolve_trained(word, namespace) if word else None
    given = request.word("data")
    data = None if given is None else workbench.resolve_data(given, namespace)
    return workbench.compress(trained, data, **request.given(CompressOptions))


RECORD = Verb(
    name="compress",
    description="make a model smaller, by evidence",
    positionals=(TRAINED, Positional("data", "data", "data set; the one of the run when left out")),
    parts=(Part(CompressOptions),),
    function="compress",
    call=call,
    examples=("compress --quantize=int8 --max-drop=0.05", "compress --quantize=fp16"),
)
