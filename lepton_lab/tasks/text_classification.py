# SPDX-License-Identifier: BSD-3-Clause
"""Text classification: of texts or pairs of texts, into one class, several classes, or a number.

What the labels are is in the model's preprocessing, so that one task serves all three: softmax and
cross-entropy, a sigmoid per class, or a mean squared error on the scale of the training labels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from lepton_lab.metrics import predictions_of, sample_losses
from lepton_lab.metrics.multilabel import (
    THRESHOLD,
    memberships,
    multilabel_intervals,
    multilabel_values,
    per_class,
)
from lepton_lab.metrics.regression import regression_intervals, regression_values
from lepton_lab.rendering import visible
from lepton_lab.tasks.base import BaseTask
from lepton_lab.tasks.contract import Figures, TaskRecord
from lepton_lab.tasks.losses import class_loss, class_weights, membership_loss, membership_weights
from lepton_lab.tasks.text_batches import Item, TextBatch, TokenCache, length_order
from lepton_lab.tasks.text_models import build

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Split
    from lepton_lab.spec import TrainSpec

_HEADLINES = {"class": "accuracy", "classes": "average_precision", "number": "rmse"}
_BATCH = 32
_WORST = 20
_SHOWN = 160


class TextClassification(BaseTask):
    """The task for one model: see `lepton_lab.tasks.contract.Task`."""

    def __init__(self, built: BuiltModel, spec: TrainSpec, flip: bool) -> None:
        super().__init__(built, spec, flip)
        self.kind = str(self.preprocessing.get("labels", "class"))
        self.metric = _HEADLINES[self.kind]
        self.higher_is_better = self.kind != "number"
        guesses = {"class": math.log(max(len(self.classes), 2)), "classes": math.log(2)}
        self.guess = guesses.get(self.kind, 1.0)
        if self.kind != "number":
            self.usual_smoothing = 0.1, "fine-tuned texts are sure of themselves too early"
        scale = self.preprocessing.get("target") or {"mean": 0.0, "std": 1.0}
        self.mean, self.std = float(scale["mean"]), float(scale["std"])
        self._weights: WeakKeyDictionary[Split, np.ndarray] = WeakKeyDictionary()

    @cached_property
    def tokens(self) -> TokenCache:
        """Texts that were tokenised already."""
        found: Any = self.preparer
        return TokenCache(found)

    def training_item(self, split: Split, index: int) -> Item:
        """The text; nothing of it is changed at random."""
        item = self.evaluation_item(split, index)
        return item._replace(weight=self._weight(split, item.label))

    def evaluation_item(self, split: Split, index: int) -> Item:
        """The text as the artifact will see it."""
        sample = split[index]
        row = self.tokens.get(split.read(index)).row
        return Item(sample.id, row, self._label(sample.label), np.ones((), np.float32))

    def collate(self, items: Sequence[Item]) -> TextBatch:
        """Texts padded to the longest of them."""
        import torch

        inputs = self.preparer.collate([item.row for item in items])
        return TextBatch(
            [item.id for item in items],
            {name: torch.from_numpy(values) for name, values in inputs.items()},
            torch.from_numpy(np.stack([item.label for item in items])),
            torch.from_numpy(np.stack([item.weight for item in items])),
        )

    def order(self, split: Split, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
        """Texts of about equal length beside one another; all of a split are tokenised here, once."""
        if not shuffle:
            return np.arange(len(split), dtype=np.int64)
        lengths = np.array([self.tokens.get(split.read(i)).kept for i in range(len(split))])
        asked = self.spec.batch_size
        return length_order(lengths, seed, epoch, asked if isinstance(asked, int) else _BATCH)

    def loss(self, module: torch.nn.Module, batch: TextBatch, device: torch.device) -> torch.Tensor:
        """Cross-entropy, binary cross-entropy or squared error, as the labels are."""
        logits = self._logits(module, batch, device)
        labels, weights = batch.labels.to(device), batch.weights.to(device)
        if self.kind == "number":
            error = logits[:, 0] - (labels - self.mean) / self.std
            return (error * error).mean()
        loss = class_loss if self.kind == "class" else membership_loss
        smoothing, gamma = self.smoothing, self.spec.focal
        return loss(logits, labels, weights, smoothing=smoothing, gamma=gamma)

    def outputs(
        self, module: torch.nn.Module, batch: TextBatch, device: torch.device
    ) -> np.ndarray:
        """Probabilities, float32 (N, classes), or numbers, float32 (N,)."""
        logits = self._logits(module, batch, device)
        if self.kind == "number":
            found = logits[:, 0] * self.std + self.mean
        else:
            found = logits.softmax(dim=1) if self.kind == "class" else logits.sigmoid()
        values: np.ndarray = found.detach().cpu().numpy()
        return values

    def describe(self, outputs: np.ndarray, split: Split, index: int) -> dict[str, Any]:
        """The label of the sample and the answer of the model in words."""
        label = split[index].label
        expected = "" if label is None else split.labels.words(label, split.classes)
        if self.kind == "number":
            return {"expected": expected, "predicted": f"{outputs[index]:.4g}", "probability": None}
        best = float(outputs[index].max())
        return {
            "expected": expected,
            "predicted": self._said(outputs[index]),
            "probability": round(best, 4),
        }

    def score(self, outputs: np.ndarray, targets: Any) -> Mapping[str, float]:
        """Accuracy and log loss; average precision and F1; or the errors of a number."""
        if self.kind == "number":
            return regression_values(outputs, targets)
        if self.kind == "classes":
            return multilabel_values(outputs, memberships(targets, outputs.shape[1]))
        return {
            "accuracy": float((predictions_of(outputs) == targets).mean()),
            "loss": float(sample_losses(outputs, targets).mean()),
        }

    def figures(self, outputs: np.ndarray, targets: Any, split: Split) -> Figures:
        """Everything with intervals; for several classes and numbers the worst samples too."""
        notes = self._notes(split)
        if self.kind == "class":
            return Figures(probabilities=outputs, notes=notes)
        if self.kind == "number":
            errors = np.abs(outputs - targets)
            return Figures(
                values=regression_values(outputs, targets),
                intervals=regression_intervals(outputs, targets),
                worst=[
                    self._shown(split, int(i))
                    | {"expected": float(targets[i]), "predicted": float(outputs[i])}
                    for i in np.argsort(-errors, kind="stable")[:_WORST]
                ],
                notes=notes,
                scores=-errors,
                score_name="absolute error, negated",
            )
        return self._memberships_figures(outputs, targets, split, notes)

    def _memberships_figures(
        self, outputs: np.ndarray, targets: Any, split: Split, notes: list[str]
    ) -> Figures:
        truth = memberships(targets, outputs.shape[1])
        shares = np.where(truth, outputs, 1.0 - outputs).clip(1e-7, 1.0)
        scores = np.log(shares).mean(axis=1)
        columns = per_class(outputs, truth)
        return Figures(
            values=multilabel_values(outputs, truth),
            intervals=multilabel_intervals(outputs, truth),
            per_class={"class": list(self.classes)} | {k: v.tolist() for k, v in columns.items()},
            worst=[
                self._shown(split, int(i))
                | {
                    "expected": split.labels.words(targets[i], split.classes),
                    "predicted": self._said(outputs[i]),
                }
                for i in np.argsort(scores, kind="stable")[:_WORST]
            ],
            notes=notes,
            scores=scores,
            score_name="mean log likelihood",
        )

    def _logits(
        self, module: torch.nn.Module, batch: TextBatch, device: torch.device
    ) -> torch.Tensor:
        inputs = {name: values.to(device) for name, values in batch.inputs.items()}
        logits: torch.Tensor = module(**inputs)
        return logits.float()

    def _label(self, label: Any) -> np.ndarray:
        if self.kind == "number":
            return np.array(np.nan if label is None else label, np.float32)
        if self.kind == "classes":
            return np.array(memberships([label], len(self.classes))[0], np.float32)
        return np.array(-1 if label is None else label, np.int64)

    def _weight(self, split: Split, label: np.ndarray) -> np.ndarray:
        """The weight of a training sample, from how often each class occurs in its split."""
        if self.kind == "number":
            return np.ones((), np.float32)
        if split not in self._weights:
            balanced, counts = self.spec.class_weights == "balanced", split.counts()
            found = class_weights(counts, balanced)
            if self.kind == "classes":
                found = membership_weights(counts, len(split), balanced)
            self._weights[split] = found
        weights = self._weights[split]
        if self.kind == "class":
            return np.asarray(weights[int(label)])
        chosen: np.ndarray = np.where(label > 0, weights[:, 1], weights[:, 0])
        return chosen

    def _said(self, probabilities: np.ndarray) -> str:
        """The answer in words."""
        if self.kind == "class":
            return visible(self.classes[int(probabilities.argmax())])
        order = np.argsort(-probabilities, kind="stable")
        chosen = [self.classes[int(i)] for i in order if probabilities[i] >= THRESHOLD]
        return visible(", ".join(chosen)) or "none"

    def _shown(self, split: Split, index: int) -> dict[str, Any]:
        text = split.read(index)
        text = text if isinstance(text, str) else " / ".join(text)
        return {"id": split[index].id, "text": visible(text[:_SHOWN])}

    def _notes(self, split: Split) -> list[str]:
        """How much of the texts the model did not see."""
        found = [self.tokens.get(split.read(i)) for i in range(len(split))]
        cut = [one for one in found if one.tokens > one.kept]
        if not cut:
            return []
        lost = sum(one.tokens - one.kept for one in cut) / sum(one.tokens for one in found)
        most = int(self.preprocessing["max_length"])
        which = "1 text was" if len(cut) == 1 else f"{len(cut)} texts were"
        return [f"{which} cut to {most} tokens; {lost:.1%} of all tokens were not read."]


RECORD = TaskRecord(
    name="text-classification",
    description="A class, several classes or a number for each text or pair of texts.",
    content="text",
    labels="class",
    also=("classes", "number"),
    create=TextClassification,
    build=build,
)
