# SPDX-License-Identifier: BSD-3-Clause
"""What a model can be trained for: one file and one record per task.

The loop, the run store and the export gate know a task only through `Task` (in `contract.py`); none
of them names one. A task from outside registers its record through the entry point group `lepton_lab.tasks`.
"""

from __future__ import annotations

from lepton_lab.tasks.contract import Batch, Task, TaskRecord
from lepton_lab.tasks.image_classification import RECORD as _IMAGE_CLASSIFICATION
from lepton_lab.tasks.registry import tasks

tasks.register(_IMAGE_CLASSIFICATION)

__all__ = ["Batch", "Task", "TaskRecord", "tasks"]
