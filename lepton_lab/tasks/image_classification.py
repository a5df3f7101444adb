# SPDX-License-Identifier: BSD-3-Clause
"""Image classification: one label per image, softmax cross-entropy, accuracy.

Images travel as uint8 (N, H, W, C) until they are on the device and are normalized there, with the
constants of the model's own preprocessing. Mixup (arXiv 1710.09412) and CutMix (arXiv 1905.04899) are
decided for the whole effective batch, so that cutting it into micro-batches changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lepton_lab.runtime.image import prepare
from lepton_lab.tasks.base import BaseTask
from lepton_lab.tasks.contract import TaskRecord

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset, Split
    from lepton_lab.spec import ModelSpec, TrainSpec


class Item(NamedTuple):
    """One prepared image: id, uint8 (h, w, C), class index (-1 where unknown)."""

    id: str
    image: np.ndarray
    label: int


@dataclass(frozen=True)
class ImageBatch:
    """Prepared images, uint8 (N, h, w, C), and int64 labels (N,); `partner` and `weight` when mixed.

    Attributes:
        ids: Names of the samples.
        images: The pixels.
        labels: Class indexes.
        partner: Pixels of the image that each one is mixed with, or None.
        partner_labels: Their labels.
        weight: Share of the own label, shape ().
        box: (top, left, bottom, right) of the region replaced by cutmix; None for mixup.
    """

    ids: Sequence[str]
    images: torch.Tensor
    labels: torch.Tensor
    partner: torch.Tensor | None = None
    partner_labels: torch.Tensor | None = None
    weight: float = 1.0
    box: tuple[int, int, int, int] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> ImageBatch:
        """The samples `start` to `stop`, still mixed with the partners chosen for the whole batch."""
        part = slice(start, stop)
        return replace(
            self,
            ids=self.ids[part],
            images=self.images[part],
            labels=self.labels[part],
            partner=None if self.partner is None else self.partner[part],
            partner_labels=None if self.partner_labels is None else self.partner_labels[part],
        )


class ImageClassification(BaseTask):
    """The task for one model: see `lepton_lab.tasks.contract.Task`."""

    metric = "accuracy"
    usual_smoothing = 0.1, "usual for images (arXiv 1512.00567)"
    higher_is_better = True

    def __init__(self, built: BuiltModel, spec: TrainSpec, flip: bool) -> None:
        from lepton_lab.datasets.augment import training_transform

        super().__init__(built, spec, flip)
        self.guess = math.log(max(len(built.classes), 2))
        self.transform = training_transform(spec.augment, built.preprocessing, flip=flip)
        self._constants: dict[torch.device, tuple[torch.Tensor, torch.Tensor]] = {}

    def training_item(self, split: Split, index: int) -> Item:
        """The sample augmented, from a reduced decode of its file."""
        sample = split[index]
        height, width = _size(self.preprocessing)
        image = split.read_for_training(index, max(height, width))
        return Item(sample.id, self.transform(image), _label(sample.label))

    def evaluation_item(self, split: Split, index: int) -> Item:
        """The sample as the artifact will see it."""
        sample = split[index]
        pixels = prepare(split.read(index), self.preprocessing)
        return Item(sample.id, pixels, _label(sample.label))

    def collate(self, items: Sequence[Item]) -> ImageBatch:
        """Stack pixels and labels."""
        import torch

        images = torch.from_numpy(np.stack([item.image for item in items]))
        labels = torch.tensor([item.label for item in items], dtype=torch.int64)
        return ImageBatch([item.id for item in items], images, labels)

    def mix(self, batch: ImageBatch, seed: int) -> ImageBatch:
        """Mixup or cutmix over the batch; with both alphas set, one of them by a fair coin."""
        chosen = [("mixup", self.spec.mixup), ("cutmix", self.spec.cutmix)]
        chosen = [(kind, alpha) for kind, alpha in chosen if alpha > 0]
        if not chosen or len(batch) < 2:
            return batch
        random = np.random.Generator(np.random.Philox(seed))
        kind, alpha = chosen[int(random.integers(len(chosen)))]
        weight = float(random.beta(alpha, alpha))
        order = random.permutation(len(batch))
        box = _box(batch.images.shape[1:3], weight, random) if kind == "cutmix" else None
        if box is not None:
            height, width = batch.images.shape[1:3]
            weight = 1.0 - (box[2] - box[0]) * (box[3] - box[1]) / (height * width)
        return replace(
            batch,
            partner=batch.images[order],
            partner_labels=batch.labels[order],
            weight=weight,
            box=box,
        )

    def loss(
        self, module: torch.nn.Module, batch: ImageBatch, device: torch.device
    ) -> torch.Tensor:
        """Cross-entropy with label smoothing, of both labels where samples are mixed."""
        import torch.nn.functional as F

        logits = module(self._inputs(batch, device)).float()
        smooth = self.smoothing
        own = F.cross_entropy(logits, batch.labels.to(device), label_smoothing=smooth)
        if batch.partner_labels is None:
            return own
        other = F.cross_entropy(logits, batch.partner_labels.to(device), label_smoothing=smooth)
        return batch.weight * own + (1.0 - batch.weight) * other

    def outputs(
        self, module: torch.nn.Module, batch: ImageBatch, device: torch.device
    ) -> np.ndarray:
        """Class probabilities, float32 (N, classes)."""
        logits = module(self._inputs(batch, device)).float()
        found: np.ndarray = logits.softmax(dim=1).cpu().numpy()
        return found

    def _inputs(self, batch: ImageBatch, device: torch.device) -> torch.Tensor:
        images = self._normalized(batch.images, device)
        if batch.partner is None:
            return images
        partner = self._normalized(batch.partner, device)
        if batch.box is None:
            return images * batch.weight + partner * (1.0 - batch.weight)
        top, left, bottom, right = batch.box
        images[:, :, top:bottom, left:right] = partner[:, :, top:bottom, left:right]
        return images

    def _normalized(self, images: torch.Tensor, device: torch.device) -> torch.Tensor:
        """float32 (N, C, H, W); the permuted view of (N, H, W, C) is already channels-last in memory."""
        scale, shift = self._affine(device)
        pixels = images.to(device, non_blocking=True).permute(0, 3, 1, 2).float()
        if self.spec.channels_last is False:
            pixels = pixels.contiguous()
        return pixels.mul_(scale).add_(shift)

    def _affine(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """(x * rescale - mean) / std as one multiplication and one addition per pixel."""
        if device not in self._constants:
            import torch

            mean = torch.tensor(self.preprocessing["mean"], dtype=torch.float64).view(1, -1, 1, 1)
            std = torch.tensor(self.preprocessing["std"], dtype=torch.float64).view(1, -1, 1, 1)
            scale = float(self.preprocessing["rescale"]) / std
            self._constants[device] = (scale.float().to(device), (-mean / std).float().to(device))
        return self._constants[device]


def _label(label: int | None) -> int:
    return -1 if label is None else label


def _size(preprocessing: Mapping[str, Any]) -> tuple[int, int]:
    step = preprocessing.get("crop") or preprocessing["resize"]
    return int(step["size"][0]), int(step["size"][1])


def _box(
    shape: Sequence[int], weight: float, random: np.random.Generator
) -> tuple[int, int, int, int]:
    """A box of about (1 - weight) of the area, centred anywhere, cut off at the edges."""
    height, width = int(shape[0]), int(shape[1])
    side = np.sqrt(1.0 - weight)
    y, x = int(random.integers(height)), int(random.integers(width))
    half_h, half_w = int(height * side) // 2, int(width * side) // 2
    return max(y - half_h, 0), max(x - half_w, 0), min(y + half_h, height), min(x + half_w, width)


def _build(spec: ModelSpec, data: Dataset | None, seed: int) -> BuiltModel:
    from lepton_lab.catalog import build

    return build(spec, classes=None if data is None else data.classes, seed=seed)


RECORD = TaskRecord(
    name="image-classification",
    description="One label per image.",
    content="image",
    labels="class",
    create=ImageClassification,
    build=_build,
)
