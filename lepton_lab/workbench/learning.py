# SPDX-License-Identifier: BSD-3-Clause
"""`train`: a model and data to a run under way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lepton_lab.durations import seconds
from lepton_lab.errors import LeptonError
from lepton_lab.journal import runs_root
from lepton_lab.spec import RunSpec, TrainSpec, parse
from lepton_lab.workbench.given import model_from
from lepton_lab.workbench.heads import with_head
from lepton_lab.workbench.launching import launch
from lepton_lab.workbench.planning import planned
from lepton_lab.workbench.resolve import resolve_data

if TYPE_CHECKING:
    from lepton_lab.workbench.handle import Run


def train(
    model: Any,
    data: Any = None,
    *,
    background: bool = False,
    now: bool = False,
    isolate: bool = False,
    view: str = "auto",
    folds: int = 0,
    **options: Any,
) -> Run:
    """Train a model on data; blocks under the live card and returns the run.

    Args:
        model: A `LeptonModel`, or anything that `lab.load_model` takes.
        data: A `Dataset`, or anything that `lab.data` takes; the latest one when left out.
        background: Return at once; the run trains on.
        now: Train beside a run that is under way on the same device, instead of after it.
        isolate: Train in a process of its own: a crash there never takes the kernel. The result is the same.
        view: Name of the live view; chosen by where it runs when "auto".
        folds: Train once per fold instead and return a `CrossValidation`: see `lab.cross_validate`.
        **options: Fields of `TrainSpec`.

    Raises:
        LeptonError: What is wrong with model, data or options, before anything is trained.
    """
    if folds:
        from lepton_lab.workbench.folding import cross_validate

        if background or now:
            raise LeptonError(
                "Folds are trained one after the other, in the foreground.",
                "background and now are for one run.",
                "lab.train(model, data, folds=5)",
            )
        return cross_validate(model, data, folds, isolate=isolate, **options)  # type: ignore[return-value]
    from lepton_lab.training.safe_batch import key_of, recalled
    from lepton_lab.workbench.budgeting import within_budget
    from lepton_lab.workbench.starting import afresh

    began = time.monotonic()
    spec = parse(TrainSpec, options, where="train")
    model, data = model_from(model), resolve_data(data)
    built, parent = with_head(model, data, spec)
    plan = planned(built, data, spec, model.task)
    model_spec = model.spec
    if seconds(spec.budget):
        most = spec.epochs if "epochs" in options else None
        built, model_spec, plan = within_budget(model, built, data, spec, plan, began, most)
    plan = recalled(plan, key_of(built, plan, spec.freeze), runs_root())
    run_spec = RunSpec(model_spec, data.spec, spec, model.task)
    work = afresh(model, built, data, run_spec, plan, parent=parent)
    work.now = now
    return launch(work, background, isolate, view)
