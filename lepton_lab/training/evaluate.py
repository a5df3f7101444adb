# SPDX-License-Identifier: BSD-3-Clause
"""A model's outputs over a split, under inference mode and in larger batches than training."""

from __future__ import annotations

from typing import Any

import torch

from lepton_lab.datasets import Split
from lepton_lab.tasks import Task
from lepton_lab.training.loader import evaluation_batches
from lepton_lab.training.precision import Precision


def outputs(
    task: Task,
    module: torch.nn.Module,
    split: Split,
    *,
    device: torch.device,
    batch_size: int = 64,
    workers: int = 0,
    precision: Precision | None = None,
) -> Any:
    """The task's outputs for each sample of the split, in its order; the module's mode is kept."""
    training = module.training
    module.eval()
    autocast = precision or Precision("fp32", device)
    try:
        with torch.inference_mode():
            parts = []
            for batch in evaluation_batches(task, split, batch_size=batch_size, workers=workers):
                with autocast.autocast():
                    parts.append(task.outputs(module, batch, device))
        return task.gather(parts)
    finally:
        module.train(training)
