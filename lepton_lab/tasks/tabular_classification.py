# SPDX-License-Identifier: BSD-3-Clause
"""Classification of rows of a table: churn, fraud, risk.

The headline is the area under the ROC curve, which a rare class does not flatter as accuracy does.
Probabilities are what decisions with costs are made from (`metrics.costs`), so the labels are smoothed
only where that is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.metrics import (
    Measurement,
    paired_difference,
    predictions_of,
    roc_auc,
    sample_losses,
)
from lepton_lab.tasks.contract import Figures, TaskRecord
from lepton_lab.tasks.losses import class_loss, class_weights
from lepton_lab.tasks.rows import RowBatch, RowTask, build

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Split
    from lepton_lab.spec import TrainSpec

NAME = "tabular-classification"
_SHOWN = ("roc_auc", "average_precision", "log_loss", "brier", "accuracy")


class TabularClassification(RowTask):
    """The task for one model: see `contract.Task`."""

    metric = "roc_auc"
    usual_smoothing = 0.0, "probabilities of rows are compared with costs"

    def __init__(self, built: BuiltModel, spec: TrainSpec, flip: bool) -> None:
        super().__init__(built, spec, flip)
        self.guess = math.log(max(len(built.classes), 2))
        self._weights: dict[int, np.ndarray] = {}

    def loss(self, module: torch.nn.Module, batch: RowBatch, device: torch.device) -> torch.Tensor:
        """Cross-entropy, weighted and focused as the spec says."""
        return class_loss(
            self.raw(module, batch, device),
            batch.labels.to(device),
            batch.weights.to(device),
            smoothing=self.smoothing,
            gamma=self.spec.focal,
        )

    def weight(self, split: Split, label: Any) -> float:
        """One, or what gives every class the same part in the loss."""
        if self.spec.class_weights != "balanced":
            return 1.0
        if id(split) not in self._weights:
            self._weights[id(split)] = class_weights(split.counts(), balanced=True)
        return float(self._weights[id(split)][label])

    def outputs(self, module: torch.nn.Module, batch: RowBatch, device: torch.device) -> np.ndarray:
        """Class probabilities, float32 (N, classes)."""
        found: np.ndarray = self.raw(module, batch, device).softmax(dim=1).cpu().numpy()
        return found

    def score(self, outputs: np.ndarray, targets: np.ndarray) -> Mapping[str, float]:
        """The ROC area (0.5, which is chance, where a part holds one class), log loss and accuracy."""
        area = roc_auc(outputs, targets)
        return {
            "roc_auc": 0.5 if math.isnan(area) else area,
            "loss": float(sample_losses(outputs, targets).mean()),
            "accuracy": float((predictions_of(outputs) == targets).mean()),
        }

    def figures(self, outputs: np.ndarray, targets: np.ndarray, split: Split) -> Figures:
        """The probabilities, and in the notes how the boosted trees do on the same rows."""
        trees = self.beside(split)
        notes = [] if trees is None else compared(outputs, trees, np.asarray(targets))
        beside = {} if trees is None else {"boosted trees": trees}
        return Figures(probabilities=outputs, notes=notes, beside=beside)


def compared(network: np.ndarray, trees: np.ndarray, targets: np.ndarray) -> list[str]:
    """Which model is better, judged in pairs, and the figures of the boosted trees beside this model's.

    Args:
        network: Probabilities (N, classes).
        trees: Those of the trees.
        targets: Class indexes (N,).
    """
    mine, theirs = Measurement(network, targets).values, Measurement(trees, targets).values
    figures = ", ".join(f"{name} {theirs[name]:.3f} ({mine[name]:.3f})" for name in _SHOWN)
    notes = [f"Boosted trees (this model): {figures}."]
    if math.isnan(theirs["roc_auc"]):
        return notes
    gap = paired_difference(targets, network, trees, "roc_auc")
    return [verdict(gap.difference, gap.low, gap.high, "roc_auc"), *notes]


def verdict(difference: float, low: float, high: float, metric: str) -> str:
    """Which of the two to use, from the trees' advantage in a metric with its 95 % interval.

    >>> verdict(0.02, 0.01, 0.03, "roc_auc")
    'Boosted trees are better: roc_auc +0.02 [0.01, 0.03]. Export them instead: export(baseline=True).'
    """
    span = f"{metric} {difference:+.3g} [{low:.3g}, {high:.3g}]"
    if low > 0:
        return f"Boosted trees are better: {span}. Export them instead: export(baseline=True)."
    if high < 0:
        return f"This model is better than boosted trees: {span} for the trees."
    return f"No difference to boosted trees is shown: {span} for the trees."


RECORD = TaskRecord(
    name=NAME,
    description="One label per row of a table.",
    content="row",
    labels="class",
    create=TabularClassification,
    build=partial(build, task=NAME),
)
