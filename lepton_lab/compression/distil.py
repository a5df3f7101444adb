# SPDX-License-Identifier: BSD-3-Clause
"""Distillation: a smaller model learns the labels and what a larger one says of the same samples.

The teacher is asked once, before the training, about every training sample as it is (arXiv 1503.02531 with fixed
answers): the training itself then costs no more than any other of the student.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lepton_lab.compression.contract import Method
from lepton_lab.errors import LeptonError
from lepton_lab.tasks.soft_targets import packed

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Split

TASKS = ("image-classification", "text-classification")
TEMPERATURE = 4.0
WEIGHT = 0.7
_SMALLEST = 1e-12


def teach(teacher: BuiltModel, task: str, split: Split) -> bytes:
    """What a model says of every sample of a split, as the file that a student learns from.

    Args:
        teacher: A classifier with one class per sample.
        task: What it does.
        split: Training samples.

    Raises:
        LeptonError: The task has no soft targets of this kind.
    """
    import torch

    from lepton_lab.spec import TrainSpec
    from lepton_lab.tasks import tasks
    from lepton_lab.training.evaluate import outputs

    kind = teacher.preprocessing.get("labels", "class")
    if task not in TASKS or kind != "class":
        what = task if task not in TASKS else f"{task} with labels of the kind {kind}"
        raise LeptonError(
            f"A model for {what} cannot be distilled.",
            f"Soft targets need one class per sample: {' and '.join(TASKS)}.",
            "lab.compress(run, quantize='int8')",
        )
    device = next(teacher.module.parameters()).device
    asked = tasks.get(task).create(teacher, TrainSpec(augment="none"), False)
    shares = outputs(asked, teacher.module, split, device=torch.device(device))
    # The logarithm of a probability is its logit up to a constant, which no softmax sees.
    logits = np.log(np.maximum(np.asarray(shares, np.float64), _SMALLEST))
    return packed([sample.id for sample in split], logits, TEMPERATURE, WEIGHT)


RECORD = Method("distil", "a smaller model that learns from this one")
