# SPDX-License-Identifier: BSD-3-Clause
"""Semantic segmentation: a class per pixel, cross-entropy on enlarged logits, mean IoU at the picture's own size.

A model answers at a fraction of its input's size. In training its logits are enlarged to the input and
compared with the mask there; in evaluation they become a mask of the original picture, by the code that the
exported artifact runs, and are counted against the original mask. Pixels of no class (255) count nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lepton_lab.datasets.labels.mask import IGNORE, Mask
from lepton_lab.datasets.masks_augment import MaskTransform, resized_mask
from lepton_lab.metrics.overlap import (
    areas,
    iou_intervals,
    mean_iou,
    overlap_intervals,
    pixel_accuracy,
    pixel_confusion,
)
from lepton_lab.runtime.mask_output import class_map
from lepton_lab.tasks.base import BaseTask
from lepton_lab.tasks.contract import Figures, TaskRecord
from lepton_lab.tasks.mask_figures import class_columns, notes, present, worst
from lepton_lab.tasks.pixel_losses import balanced_weights, pixel_losses

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset, Split
    from lepton_lab.spec import ModelSpec, TrainSpec

NAME = "semantic-segmentation"


class Item(NamedTuple):
    """One prepared picture: uint8 (h, w, C), its mask uint8 (h, w), and the whole mask (H, W) to evaluate on."""

    id: str
    image: np.ndarray
    mask: np.ndarray
    truth: np.ndarray | None = None
    weights: np.ndarray | None = None


class Seen(NamedTuple):
    """One picture after evaluation: pixels by truth and prediction, int32 (C, C), and its loss."""

    confusion: np.ndarray
    loss: float


@dataclass(frozen=True)
class MaskBatch:
    """Pictures, uint8 (N, h, w, C), with masks, int64 (N, h, w).

    Attributes:
        ids: Names of the samples.
        images: The pixels.
        masks: The class of each pixel; 255 is none.
        truths: The whole masks, when they are evaluated.
        weights: The weight of each class in the loss, float32 (C,), or None.
    """

    ids: Sequence[str]
    images: torch.Tensor
    masks: torch.Tensor
    truths: Sequence[np.ndarray | None] = ()
    weights: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> MaskBatch:
        """The samples `start` to `stop`."""
        part = slice(start, stop)
        return replace(
            self,
            ids=self.ids[part],
            images=self.images[part],
            masks=self.masks[part],
            truths=self.truths[part],
        )


class SemanticSegmentation(BaseTask):
    """The task for one model: see `lepton_lab.tasks.contract.Task`."""

    metric = "mean_iou"
    usual_smoothing = 0.0, "small classes would drown in what is spread over them"

    def __init__(self, built: BuiltModel, spec: TrainSpec, flip: bool) -> None:
        super().__init__(built, spec, flip)
        self.guess = math.log(max(len(built.classes), 2))
        self.transform = MaskTransform(spec.augment, built.preprocessing, flip)
        self._weights: dict[int, np.ndarray] = {}

    def training_item(self, split: Split, index: int) -> Item:
        """The picture and its mask, augmented alike."""
        sample = split[index]
        image = split.read_for_training(index, max(self.transform.size))
        pixels, mask = self.transform(image, _mask(sample.label, image.shape[:2]))
        return Item(sample.id, pixels, mask, None, self._class_weights(split))

    def evaluation_item(self, split: Split, index: int) -> Item:
        """The picture as the artifact will see it, and all of its mask."""
        sample, pixels = split[index], split.read(index)
        image = self.preparer.prepare(pixels)["image"]
        truth = None if sample.label is None else _mask(sample.label, pixels.shape[:2])
        mask = _mask(None, self.transform.size) if truth is None else truth
        return Item(sample.id, image, resized_mask(mask, self.transform.size), truth)

    def collate(self, items: Sequence[Item]) -> MaskBatch:
        """Stack pixels and masks."""
        import torch

        weights = items[0].weights
        return MaskBatch(
            [item.id for item in items],
            torch.from_numpy(np.stack([item.image for item in items])),
            torch.from_numpy(np.stack([item.mask for item in items])).long(),
            [item.truth for item in items],
            None if weights is None else torch.from_numpy(weights),
        )

    def loss(self, module: torch.nn.Module, batch: MaskBatch, device: torch.device) -> torch.Tensor:
        """The mean over the pictures of each one's mean over its pixels, so that cutting a batch changes nothing."""
        logits = module(self._pixels(batch, device)).float()
        smooth, focal = self.smoothing, self.spec.focal
        return pixel_losses(logits, batch.masks.to(device), batch.weights, smooth, focal).mean()

    def outputs(
        self, module: torch.nn.Module, batch: MaskBatch, device: torch.device
    ) -> list[Seen]:
        """Each picture's mask counted against the truth at the size of the picture."""
        logits = module(self._pixels(batch, device)).float()
        losses = pixel_losses(logits, batch.masks.to(device)).cpu().tolist()
        count, values = int(logits.shape[1]), logits.cpu().numpy()
        found = []
        for one, truth, loss in zip(values, batch.truths, losses, strict=True):
            if truth is None:
                found.append(Seen(np.zeros((count, count), np.int32), math.nan))
            else:
                size = int(truth.shape[0]), int(truth.shape[1])
                confusion = pixel_confusion(class_map(one, size), truth, count)
                found.append(Seen(confusion.astype(np.int32), loss))
        return found

    def describe(self, outputs: Sequence[Seen], split: Split, index: int) -> dict[str, Any]:
        """The classes that are in the picture, those that are found, and its mean IoU."""
        one = areas(outputs[index].confusion)
        truth, taken = one[1], one[2]
        iou = float(mean_iou(one))
        return {
            "expected": present(truth, split.classes),
            "predicted": present(taken, split.classes),
            "probability": 0.0 if math.isnan(iou) else round(iou, 4),
        }

    def score(self, outputs: Sequence[Seen], targets: Any) -> Mapping[str, float]:
        """Mean IoU and pixel accuracy over all pictures, and the mean loss without smoothing."""
        whole = areas(_total(outputs))
        losses = [seen.loss for seen in outputs if not math.isnan(seen.loss)]
        return {
            "mean_iou": float(mean_iou(whole)),
            "pixel_accuracy": float(pixel_accuracy(whole)),
            "loss": float(np.mean(losses)) if losses else math.nan,
        }

    def figures(self, outputs: Sequence[Seen], targets: Any, split: Split) -> Figures:
        """IoU of each class with its interval over pictures, the worst pictures, and what is taken for what."""
        each, total = np.stack([areas(seen.confusion) for seen in outputs]), _total(outputs)
        whole, single = areas(total), np.asarray(mean_iou(each))
        values = {k: v for k, v in self.score(outputs, targets).items() if k != "loss"}
        return Figures(
            values=values,
            intervals=overlap_intervals(each),
            per_class=class_columns(whole, iou_intervals(each), self.classes),
            worst=worst(each, single, split),
            notes=notes(total, self.classes),
            scores=None if np.isnan(single).any() else single,
            score_name="mean IoU of a picture",
        )

    def _pixels(self, batch: MaskBatch, device: torch.device) -> torch.Tensor:
        """float32 (N, C, h, w), normalized; the permuted view is channels-last in memory already."""
        import torch

        rule = self.preprocessing
        mean, std = (
            torch.tensor(rule[key], dtype=torch.float32, device=device).view(1, -1, 1, 1)
            for key in ("mean", "std")
        )
        images = batch.images.to(device, non_blocking=True).permute(0, 3, 1, 2).float()
        if self.spec.channels_last is False:
            images = images.contiguous()
        return (images * float(rule["rescale"]) - mean) / std

    def _class_weights(self, split: Split) -> np.ndarray | None:
        if self.spec.class_weights == "none":
            return None
        if id(split) not in self._weights:
            self._weights = {id(split): balanced_weights(split, len(self.classes))}
        return self._weights[id(split)]


def _total(outputs: Sequence[Seen]) -> np.ndarray:
    """The confusion of all pictures, int64 (C, C)."""
    total = np.zeros(outputs[0].confusion.shape, np.int64)
    for seen in outputs:
        total += seen.confusion
    return total


def _mask(label: Mask | None, size: tuple[int, ...]) -> np.ndarray:
    return np.full(size, IGNORE, np.uint8) if label is None else label.read()


def _build(spec: ModelSpec, data: Dataset | None, seed: int) -> BuiltModel:
    from pathlib import Path

    from lepton_lab.catalog import find
    from lepton_lab.catalog.folder import framework, read_config
    from lepton_lab.catalog.segmentation_models import build
    from lepton_lab.errors import LeptonError

    entry = find(spec.name)
    source = framework(read_config(Path(entry.location))) if entry.location else entry.source
    if source != "transformers":
        raise LeptonError(
            f"{entry.name} cannot say a class per pixel: it is an image classifier of timm.",
            "Segmentation takes a model of transformers with a decoder, such as SegFormer.",
            f"lab.models(task={NAME!r})",
        )
    return build(entry, spec, None if data is None else tuple(data.classes), seed)


RECORD = TaskRecord(
    name=NAME,
    description="A class per pixel: masks.",
    content="image",
    labels="mask",
    create=SemanticSegmentation,
    build=_build,
)
