# SPDX-License-Identifier: BSD-3-Clause
"""The registry of tasks, apart from the tasks so that each of them may be imported alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_lab.registry import Registry
from lepton_lab.spec import TrainSpec
from lepton_lab.tasks.base import BaseTask
from lepton_lab.tasks.contract import TaskRecord

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel

tasks: Registry[TaskRecord] = Registry("task", "lab.models(task=...)")


def usual_smoothing(task: str, built: BuiltModel) -> tuple[float, str]:
    """The label smoothing that "auto" stands for when a model is trained for a task, and why."""
    found = tasks.get(task).create(built, TrainSpec(), True)
    return getattr(found, "usual_smoothing", BaseTask.usual_smoothing)
