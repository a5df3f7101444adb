# SPDX-License-Identifier: BSD-3-Clause
"""What most tasks share, so that a task's own file says only what is its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.datasets.sampler import order
from lepton_lab.metrics import predictions_of, sample_losses
from lepton_lab.runtime.inputs import Preparer, preparer
from lepton_lab.tasks.contract import Figures

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Split
    from lepton_lab.spec import TrainSpec


class BaseTask:
    """A task for one model and one training; see `contract.Task`.

    Args:
        built: The model.
        spec: The training spec.
        flip: Whether a mirrored sample keeps its label.
    """

    metric = ""
    higher_is_better = True
    guess = 0.0
    usual_smoothing: tuple[float, str] = (0.0, "")

    def __init__(self, built: BuiltModel, spec: TrainSpec, flip: bool) -> None:
        self.preprocessing, self.files = built.preprocessing, built.files
        self.classes, self.spec, self.flip = tuple(built.classes), spec, flip

    @property
    def smoothing(self) -> float:
        """Label smoothing as it was asked for; "auto" is what is usual for the task."""
        asked = self.spec.label_smoothing
        return self.usual_smoothing[0] if isinstance(asked, str) else asked

    @cached_property
    def preparer(self) -> Preparer:
        """Prepares samples as the exported artifact will."""
        return preparer(self.preprocessing, self.files)

    def mix(self, batch: Any, seed: int) -> Any:
        """Nothing is mixed."""
        return batch

    def gather(self, parts: Sequence[Any]) -> Any:
        """Arrays are joined, lists are chained."""
        if all(isinstance(part, np.ndarray) for part in parts):
            return np.concatenate(parts)
        return [one for part in parts for one in part]

    def order(self, split: Split, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
        """Any order is as good as another."""
        return order(seed, epoch, len(split), shuffle)

    def targets(self, split: Split) -> Any:
        """The labels as their kind gives them."""
        return split.targets

    def describe(self, outputs: Any, split: Split, index: int) -> dict[str, Any]:
        """For samples with one class each: the class of the sample, the class that is predicted, and its probability."""
        found, label = int(outputs[index].argmax()), split[index].label
        return {
            "expected": "" if label is None else split.classes[label],
            "predicted": split.classes[found],
            "probability": round(float(outputs[index, found]), 4),
        }

    def score(self, outputs: Any, targets: Any) -> Mapping[str, float]:
        """For samples with one class each: accuracy, and the log loss without smoothing."""
        return {
            "accuracy": float((predictions_of(outputs) == targets).mean()),
            "loss": float(sample_losses(outputs, targets).mean()),
        }

    def figures(self, outputs: Any, targets: Any, split: Split) -> Figures:
        """For samples with one class each: the outputs are probabilities."""
        return Figures(probabilities=outputs)
