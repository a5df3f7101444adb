# SPDX-License-Identifier: BSD-3-Clause
"""From a model and a split to the report on it: of classes, or of whatever else the task answers with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lepton_lab.spec import TrainSpec
from lepton_lab.workbench.held_out import targets_of

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Split
    from lepton_lab.evaluation import Evaluation, Report


def report_on(
    built: BuiltModel, task_name: str, split: Split, notes: Sequence[str]
) -> Evaluation | Report:
    """Run the model over a split and measure.

    Args:
        built: The model.
        task_name: What it does.
        split: The samples.
        notes: What must be said about them.

    Raises:
        LeptonError: The split's classes are not the model's.
    """
    import torch

    from lepton_lab.evaluation import Evaluation, Report
    from lepton_lab.tasks import tasks
    from lepton_lab.training.evaluate import outputs

    task = tasks.get(task_name).create(built, TrainSpec(), True)
    device = next(built.module.parameters()).device
    targets = targets_of(built.classes, split) if built.classes else task.targets(split)
    found = outputs(task, built.module, split, device=torch.device(device))
    figures = task.figures(found, targets, split)
    ids = [sample.id for sample in split]
    said = [*notes, *figures.notes]
    if figures.probabilities is not None:
        return Evaluation.from_predictions(
            figures.probabilities,
            targets,
            built.classes,
            ids=ids,
            split=split.name,
            picture=split.read if split.content.name == "image" else None,
            notes=said,
            beside=figures.beside,
        )
    return Report(
        split.name,
        len(split),
        dict(figures.values),
        dict(figures.intervals),
        dict(figures.per_class),
        [dict(sample) for sample in figures.worst],
        said,
        ids,
        figures.scores,
        figures.score_name,
    )
