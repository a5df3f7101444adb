# SPDX-License-Identifier: BSD-3-Clause
"""The plan of a training, made before it begins; a range test may choose its learning rate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lepton_lab.rendering import learning_rate as shown_rate
from lepton_lab.spec import TrainSpec, parse
from lepton_lab.workbench.given import model_from
from lepton_lab.workbench.heads import with_head
from lepton_lab.workbench.resolve import resolve_data

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset
    from lepton_lab.training import Plan
    from lepton_lab.training.rate_finder import RateFinding


def find_learning_rate(model: Any, data: Any = None, **options: Any) -> RateFinding:
    """The learning-rate range test (arXiv 1506.01186). Model, statistics and generators stay as they are.

    Args:
        model: As in `train`.
        data: As in `train`.
        **options: Fields of `TrainSpec`.
    """
    from lepton_lab.training.rate_finder import find

    spec = parse(TrainSpec, options, where="train")
    model, data = model_from(model), resolve_data(data)
    built, _ = with_head(model, data, spec)
    return find(built, data, spec, decided(built, data, spec), model.task)


def decided(built: BuiltModel, data: Dataset, spec: TrainSpec) -> Plan:
    """Every value that the spec leaves open, from the data, the model and the device."""
    from lepton_lab.tasks import usual_smoothing
    from lepton_lab.training.plan import decide

    return decide(
        spec,
        count=len(data.train),
        pretrained=built.pretrained,
        batch_norm=any("BatchNorm" in type(m).__name__ for m in built.module.modules()),
        default_batch=data.batch_size,
        recipe=built.recipe,
        smoothing=usual_smoothing(data.task, built),
    )


def planned(built: BuiltModel, data: Dataset, spec: TrainSpec, task: str) -> Plan:
    """What `decided` says; with `learning_rate="find"` the range test chooses the rate."""
    plan = decided(built, data, spec)
    if spec.learning_rate != "find":
        return plan
    from lepton_lab.training.rate_finder import find

    found = find(built, data, spec, plan, task).suggestion
    why = f"range test over {shown_rate(1e-6)} to 1"
    return replace(plan, learning_rate=found, reasons={**plan.reasons, "learning_rate": why})
