# SPDX-License-Identifier: BSD-3-Clause
"""The module that a training trains: fresh from its source or from an earlier run, with a head for the data."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset
    from lepton_lab.spec import TrainSpec
    from lepton_lab.workbench.model import LeptonModel


def check_task(data: Dataset) -> None:
    """Whether samples and labels are what the data's task takes.

    Raises:
        LeptonError: They are not; the tasks that fit are named.
    """
    from lepton_lab.tasks import tasks

    record = tasks.get(data.task)
    if data.content == record.content and data.labels in (record.labels, *record.also):
        return
    fitting = [
        one.name
        for one in tasks
        if one.content == data.content and data.labels in (one.labels, *one.also)
    ]
    raise LeptonError(
        f"'{data.name}' is no data for {record.name}.",
        f"Its samples are of the kind {data.content} with labels of the kind {data.labels}; "
        f"{record.name} takes {record.content} with {record.labels}.",
        f"--task={fitting[0]}" if fitting else "",
    )


def with_head(
    model: LeptonModel, data: Dataset, spec: TrainSpec
) -> tuple[BuiltModel, dict[str, Any]]:
    """A module of its own for this training, with a head for the data's classes, and the parent run."""
    from lepton_lab.catalog import from_config
    from lepton_lab.catalog.graph_models import check_trainable
    from lepton_lab.tasks import tasks

    check_task(data)
    if model._run is None or model.task != data.task:
        model.task = data.task
        return tasks.get(data.task).build(model.spec, data, spec.seed), {}
    before = model.built
    check_trainable(before.config, model._run.name, model._run.record["parent"].get("run", ""))
    if tuple(before.classes) == tuple(data.classes):
        built = copy.deepcopy(before)
    else:
        built = from_config(before.config, classes=data.classes)
        head = set(built.head)
        kept = {
            name: value for name, value in before.module.state_dict().items() if name not in head
        }
        built.module.load_state_dict(kept, strict=False)
        built.preprocessing, built.files = before.preprocessing, before.files
        built.recipe = before.recipe
    built.weights, built.pretrained = f"run {model._run.name}", True
    return built, {"run": model._run.name, "weights": True}
