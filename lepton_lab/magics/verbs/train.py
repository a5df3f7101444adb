# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton train`: fine-tune a model on a data set under a live card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lepton_lab.magics.verb import Part, Positional, Request, Verb
from lepton_lab.magics.verbs.data import DATA
from lepton_lab.spec import DataSpec, ModelSpec, TrainSpec, option

MODEL = Positional(
    "model", "model", "model name, run, local folder or variable; the latest when left out"
)
_DATA_OPTIONS = (
    "task", "val", "test", "label", "image", "text", "tokens", "tags", "group", "drop", "masks", "exclude", "clean",
    "dedupe", "edits",
)  # fmt: skip


@dataclass(frozen=True)
class TrainOptions:
    """How the call behaves: how often, where and when it trains."""

    background: bool = option(False, "give the prompt back at once and train in a thread")
    now: bool = option(False, "train beside a run that is under way on the device, not after it")
    isolate: bool = option(
        False, "train in a process of its own, whose crash does not take the kernel"
    )
    folds: int = option(
        0, "train once per fold of a cross-validation and report the spread; 0 is off", low=0, high=20
    )


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Train; returns the Run, or the runs of the folds."""
    from lepton_lab import workbench

    model = workbench.resolve_model(request.word("model"), namespace, **request.given(ModelSpec))
    data = workbench.resolve_data(request.word("data"), namespace, **request.given(DataSpec))
    return workbench.train(model, data, **request.given(TrainSpec), **request.given(TrainOptions))


RECORD = Verb(
    name="train",
    description="fine-tune a model on a data set",
    positionals=(MODEL, DATA),
    parts=(
        Part(TrainSpec),
        Part(TrainOptions),
        Part(ModelSpec, ("weights", "image_size", "channels")),
        Part(DataSpec, _DATA_OPTIONS),
    ),
    function="train",
    call=call,
    examples=(
        "train lepton_glyphs digits --epochs=1",
        "train lepton_glyphs digits --epochs=1 --lr=1e-3 --bs=64 --freeze=backbone",
    ),
)
