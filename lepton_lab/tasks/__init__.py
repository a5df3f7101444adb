# SPDX-License-Identifier: BSD-3-Clause
"""What a model can be trained for: one file and one record per task.

The loop, the run store and the export gate know a task only through `Task` (in `contract.py`); none
of them names one. A task from outside registers its record through the entry point group `lepton_lab.tasks`.
"""

from __future__ import annotations

from lepton_lab.tasks.audio_classification import RECORD as _AUDIO_CLASSIFICATION
from lepton_lab.tasks.base import BaseTask
from lepton_lab.tasks.contract import Batch, Figures, Task, TaskRecord
from lepton_lab.tasks.image_classification import RECORD as _IMAGE_CLASSIFICATION
from lepton_lab.tasks.object_detection import RECORD as _OBJECT_DETECTION
from lepton_lab.tasks.registry import tasks, usual_smoothing
from lepton_lab.tasks.semantic_segmentation import RECORD as _SEMANTIC_SEGMENTATION
from lepton_lab.tasks.tabular_classification import RECORD as _TABULAR_CLASSIFICATION
from lepton_lab.tasks.tabular_regression import RECORD as _TABULAR_REGRESSION
from lepton_lab.tasks.text_classification import RECORD as _TEXT_CLASSIFICATION
from lepton_lab.tasks.token_classification import RECORD as _TOKEN_CLASSIFICATION

for _record in (
    _IMAGE_CLASSIFICATION,
    _TEXT_CLASSIFICATION,
    _TOKEN_CLASSIFICATION,
    _OBJECT_DETECTION,
    _SEMANTIC_SEGMENTATION,
    _AUDIO_CLASSIFICATION,
    _TABULAR_CLASSIFICATION,
    _TABULAR_REGRESSION,
):
    tasks.register(_record)

__all__ = ["BaseTask", "Batch", "Figures", "Task", "TaskRecord", "tasks", "usual_smoothing"]
