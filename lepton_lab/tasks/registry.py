# SPDX-License-Identifier: BSD-3-Clause
"""The registry of tasks, apart from the tasks so that each of them may be imported alone."""

from __future__ import annotations

from lepton_lab.registry import Registry
from lepton_lab.tasks.contract import TaskRecord

tasks: Registry[TaskRecord] = Registry("task", "lab.models(task=...)")
