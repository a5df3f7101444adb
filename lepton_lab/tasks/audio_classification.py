# SPDX-License-Identifier: BSD-3-Clause
"""Audio classification: one label per clip, softmax cross-entropy, accuracy.

Clips are prepared whole, as the artifact prepares them: every row has the size of the model's window, so
that no answer depends on its neighbours in a batch. Which window, at which rate, is decided in
`sound_plan` from the data when the model is built.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from lepton_lab.datasets.sound_augment import SoundAugment
from lepton_lab.runtime.inputs import Row
from lepton_lab.runtime.sound_input import SoundPreparer
from lepton_lab.tasks.base import BaseTask
from lepton_lab.tasks.contract import TaskRecord
from lepton_lab.tasks.losses import class_loss, class_weights

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset, Split
    from lepton_lab.spec import ModelSpec, TrainSpec


class Item(NamedTuple):
    """One prepared clip: id, the row of the runtime, class index (-1 where unknown), weight in the loss."""

    id: str
    row: Row
    label: int
    weight: float = 1.0


@dataclass(frozen=True)
class SoundBatch:
    """Prepared clips.

    Attributes:
        ids: Names of the samples.
        inputs: The module's inputs by name, each (N, ...), in the order of its arguments.
        labels: Class indexes, int64 (N,).
        weights: Weights in the loss, float32 (N,).
        partner_labels: Labels of the clips that each one is mixed with, or None.
        partner_weights: Their weights.
        share: Of the own clip and label.
    """

    ids: Sequence[str]
    inputs: Mapping[str, torch.Tensor]
    labels: torch.Tensor
    weights: torch.Tensor
    partner_labels: torch.Tensor | None = None
    partner_weights: torch.Tensor | None = None
    share: float = 1.0

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> SoundBatch:
        """The samples `start` to `stop`; what was mixed stays mixed."""
        part = slice(start, stop)
        cut = {
            name: None if getattr(self, name) is None else getattr(self, name)[part]
            for name in ("ids", "labels", "weights", "partner_labels", "partner_weights")
        }
        inputs = {name: values[part] for name, values in self.inputs.items()}
        return replace(self, inputs=inputs, **cut)  # type: ignore[arg-type]


class AudioClassification(BaseTask):
    """The task for one model: see `lepton_lab.tasks.contract.Task`."""

    metric = "accuracy"
    usual_smoothing = 0.0, "usual for sounds (arXiv 2104.01778, 2006.11477)"
    higher_is_better = True

    def __init__(self, built: BuiltModel, spec: TrainSpec, flip: bool) -> None:
        super().__init__(built, spec, flip)
        self.guess = math.log(max(len(built.classes), 2))
        self._weights: dict[int, np.ndarray] = {}

    @cached_property
    def sounds(self) -> SoundPreparer:
        """The preparer with its single steps."""
        return cast(SoundPreparer, self.preparer)

    @cached_property
    def augment(self) -> SoundAugment:
        """What makes training rows."""
        return SoundAugment(self.spec.augment, self.sounds)

    def training_item(self, split: Split, index: int) -> Item:
        """The clip, changed at random."""
        sample, weights = split[index], self._class_weights(split)
        weight = 1.0 if sample.label is None else float(weights[sample.label])
        row = self.augment(self._waveform(split, index))
        return Item(sample.id, row, _label(sample.label), weight)

    def evaluation_item(self, split: Split, index: int) -> Item:
        """The clip as the artifact will see it."""
        sample = split[index]
        return Item(sample.id, self.sounds.prepare(split.read(index)), _label(sample.label))

    def collate(self, items: Sequence[Item]) -> SoundBatch:
        """Stack rows and labels."""
        import torch

        rows = self.sounds.collate([item.row for item in items])
        return SoundBatch(
            [item.id for item in items],
            {name: torch.from_numpy(values) for name, values in rows.items()},
            torch.tensor([item.label for item in items], dtype=torch.int64),
            torch.tensor([item.weight for item in items], dtype=torch.float32),
        )

    def mix(self, batch: SoundBatch, seed: int) -> SoundBatch:
        """Mixup of waveforms or pictures (arXiv 1710.09412), where it is asked for."""
        if self.spec.mixup <= 0 or len(batch) < 2:
            return batch
        random = np.random.Generator(np.random.Philox(seed))
        share = float(random.beta(self.spec.mixup, self.spec.mixup))
        order = random.permutation(len(batch))
        return replace(
            batch,
            inputs={name: _mixed(values, order, share) for name, values in batch.inputs.items()},
            partner_labels=batch.labels[order],
            partner_weights=batch.weights[order],
            share=share,
        )

    def loss(
        self, module: torch.nn.Module, batch: SoundBatch, device: torch.device
    ) -> torch.Tensor:
        """Cross-entropy with label smoothing, of both labels where clips are mixed."""
        logits = module(*self._inputs(batch, device)).float()
        own = self._loss(logits, batch.labels, batch.weights)
        if batch.partner_labels is None or batch.partner_weights is None:
            return own
        other = self._loss(logits, batch.partner_labels, batch.partner_weights)
        return batch.share * own + (1.0 - batch.share) * other

    def outputs(
        self, module: torch.nn.Module, batch: SoundBatch, device: torch.device
    ) -> np.ndarray:
        """Class probabilities, float32 (N, classes)."""
        logits = module(*self._inputs(batch, device)).float()
        found: np.ndarray = logits.softmax(dim=1).cpu().numpy()
        return found

    def _waveform(self, split: Split, index: int) -> np.ndarray:
        """The whole clip at the model's rate; kept in the data set's cache, for it is needed each epoch."""
        key = split[index].id, "waveform", self.sounds.rule["rate"]
        kept = split.cache.get(key)
        return (
            split.cache.put(key, self.sounds.waveform(split.read(index))) if kept is None else kept
        )

    def _loss(
        self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        return class_loss(
            logits,
            labels.to(logits.device),
            weights.to(logits.device),
            smoothing=self.smoothing,
            gamma=self.spec.focal,
        )

    def _class_weights(self, split: Split) -> np.ndarray:
        """Weights of the classes over a split, worked out once."""
        if self._weights.get(id(split)) is None:
            balanced = self.spec.class_weights == "balanced"
            self._weights = {id(split): class_weights(split.counts(), balanced)}
        return self._weights[id(split)]

    def _inputs(self, batch: SoundBatch, device: torch.device) -> list[torch.Tensor]:
        return [values.to(device, non_blocking=True) for values in batch.inputs.values()]


def _mixed(values: torch.Tensor, order: np.ndarray, share: float) -> torch.Tensor:
    """Both clips on top of one another; of masks, what either clip reaches."""
    other = values[order]
    return values * share + other * (1.0 - share) if values.is_floating_point() else values | other


def _label(label: int | None) -> int:
    return -1 if label is None else label


def _build(spec: ModelSpec, data: Dataset | None, seed: int) -> BuiltModel:
    from lepton_lab.tasks.sound_plan import build

    return build(spec, data, seed)


RECORD = TaskRecord(
    name="audio-classification",
    description="One label per clip of sound.",
    content="sound",
    labels="class",
    create=AudioClassification,
    build=_build,
)
