# SPDX-License-Identifier: BSD-3-Clause
"""Object detection: boxes with classes on a picture; the model's own matching loss; average precision.

Pictures travel as uint8 (N, h, w, C) until they are on the device, squeezed to the model's one size; boxes
travel as shares of width and height, so that squeezing changes nothing about them. Crowds are not learned
from. The loss of the DETR family is a mean over the boxes of what goes through the network at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lepton_lab.datasets.labels.boxes import Boxes, counted
from lepton_lab.metrics.boxes import BoxMeasurement, Truth, require
from lepton_lab.runtime.boxes_output import THRESHOLD, TOP, pick
from lepton_lab.tasks.base import BaseTask
from lepton_lab.tasks.contract import Figures, TaskRecord

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset, Split
    from lepton_lab.spec import ModelSpec, TrainSpec

WORST = 9


class Item(NamedTuple):
    """One prepared picture: id, uint8 (h, w, C), boxes float32 (n, 4) as shares, classes int64 (n,), size."""

    id: str
    image: np.ndarray
    corners: np.ndarray
    classes: np.ndarray
    size: tuple[int, int]


@dataclass(frozen=True)
class BoxBatch:
    """Prepared pictures, uint8 (N, h, w, C), with their boxes as the model's loss takes them.

    Attributes:
        ids: Names of the samples.
        images: The pixels.
        labels: Per picture "class_labels", int64 (n,), and "boxes", float32 (n, 4): centre and size as shares.
        sizes: Height and width of each original in pixels.
    """

    ids: Sequence[str]
    images: torch.Tensor
    labels: Sequence[dict[str, torch.Tensor]]
    sizes: Sequence[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> BoxBatch:
        """The samples `start` to `stop`."""
        part = slice(start, stop)
        return BoxBatch(self.ids[part], self.images[part], self.labels[part], self.sizes[part])


class ObjectDetection(BaseTask):
    """The task for one model: see `lepton_lab.tasks.contract.Task`."""

    metric = "map50"

    def __init__(self, built: BuiltModel, spec: TrainSpec, flip: bool) -> None:
        from lepton_lab.datasets.boxes_augment import BoxTransform

        require()
        super().__init__(built, spec, flip)
        self.transform = BoxTransform(spec.augment, built.preprocessing, flip)
        self._constants: dict[torch.device, tuple[torch.Tensor, torch.Tensor]] = {}

    def training_item(self, split: Split, index: int) -> Item:
        """The sample augmented, from a reduced decode of its file; its boxes move along."""
        corners, classes, size = shares(split[index].label)
        image = split.read_for_training(index, max(self.transform.size))
        return Item(split[index].id, *self.transform(image, corners, classes), size)

    def evaluation_item(self, split: Split, index: int) -> Item:
        """The sample as the artifact will see it."""
        corners, classes, _ = shares(split[index].label)
        row = self.preparer.prepare(split.read(index))
        size = int(row["size"][0]), int(row["size"][1])
        return Item(split[index].id, row["image"], corners, classes, size)

    def collate(self, items: Sequence[Item]) -> BoxBatch:
        """Stack the pixels; the boxes stay picture by picture."""
        import torch

        return BoxBatch(
            [item.id for item in items],
            torch.from_numpy(np.stack([item.image for item in items])),
            [
                {
                    "class_labels": torch.from_numpy(item.classes),
                    "boxes": torch.from_numpy(centred(item.corners)),
                }
                for item in items
            ],
            [item.size for item in items],
        )

    def loss(self, module: torch.nn.Module, batch: BoxBatch, device: torch.device) -> torch.Tensor:
        """The model's own: classes, corners and overlap of the boxes that it matches to the true ones."""
        labels = [{name: v.to(device) for name, v in one.items()} for one in batch.labels]
        loss: torch.Tensor = module(self._inputs(batch, device), labels)
        return loss.float()

    def outputs(self, module: torch.nn.Module, batch: BoxBatch, device: torch.device) -> np.ndarray:
        """The best boxes, float32 (N, k, 6): score, class, left, top, right, bottom in pixels of the original."""
        scores, boxes = (v.cpu().numpy() for v in module(self._inputs(batch, device)))
        rows = zip(scores, boxes, batch.sizes, strict=True)
        return np.stack([pick(*row, TOP) for row in rows])

    def describe(self, outputs: np.ndarray, split: Split, index: int) -> dict[str, Any]:
        """What is there and what is found, counted by class, and the score of the surest box."""
        found = outputs[index][outputs[index][:, 0] >= THRESHOLD]
        return {
            "expected": split.labels.words(split[index].label, split.classes),
            "predicted": counted(split.classes[int(kind)] for kind in found[:, 1]),
            "probability": round(float(outputs[index][:, 0].max(initial=0.0)), 4),
        }

    def score(self, outputs: np.ndarray, targets: Sequence[Boxes]) -> Mapping[str, float]:
        """Average precision at an overlap of one half, over 0.50 to 0.95, and at 0.75."""
        return self._measured(outputs, targets).values

    def figures(self, outputs: np.ndarray, targets: Sequence[Boxes], split: Split) -> Figures:
        """Average precision with intervals over images, per class, and the images that went worst."""
        measured = self._measured(outputs, targets)
        boxes = np.bincount([k for t in targets for k in t.classes], minlength=len(self.classes))
        by_image = measured.by_image(THRESHOLD)
        worst = [
            {
                "sample": split[int(i)].id,
                "f1": float(by_image[i]),
                "expected": self.describe(outputs, split, int(i))["expected"],
                "found": self.describe(outputs, split, int(i))["predicted"],
            }
            for i in np.argsort(by_image, kind="stable")[:WORST]
        ]
        return Figures(
            values=measured.values,
            intervals=measured.intervals(),
            per_class={
                "class": list(self.classes),
                "boxes": boxes.tolist(),
                "AP50": measured.per_class[:, 0].tolist(),
                "AP": measured.per_class.mean(axis=1).tolist(),
            },
            worst=worst,
            scores=by_image,
            score_name=f"F1 of the boxes with a score of {THRESHOLD:g} and an overlap of 0.5",
        )

    def _measured(self, outputs: np.ndarray, targets: Sequence[Boxes]) -> BoxMeasurement:
        return BoxMeasurement(list(outputs), truths(targets), len(self.classes))

    def _inputs(self, batch: BoxBatch, device: torch.device) -> torch.Tensor:
        """float32 (N, C, H, W), normalized; the permuted view is already channels-last in memory."""
        scale, shift = self._affine(device)
        pixels = batch.images.to(device, non_blocking=True).permute(0, 3, 1, 2).float()
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


def shares(label: Boxes | None) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """What is learned of a label: corners as shares of width and height, classes, and the picture's size."""
    if label is None:
        return np.zeros((0, 4), np.float32), np.zeros(0, np.int64), (0, 0)
    corners, classes = label.learned()
    height, width = label.size
    return corners / np.array([width, height, width, height], np.float32), classes, label.size


def truths(labels: Sequence[Boxes]) -> list[Truth]:
    """Labels as the metrics take them."""
    return [
        Truth(
            np.array(one.corners, np.float64).reshape(-1, 4),
            np.array(one.classes, np.int64),
            np.array(one.crowd, bool),
        )
        for one in labels
    ]


def centred(corners: np.ndarray) -> np.ndarray:
    """Corners (n, 4) as centre and size.

    >>> centred(np.array([[0.0, 0.5, 0.5, 1.0]])).tolist()
    [[0.25, 0.75, 0.5, 0.5]]
    """
    start, end = corners[:, :2], corners[:, 2:]
    return np.concatenate([(start + end) / 2, end - start], axis=1)


def _build(spec: ModelSpec, data: Dataset | None, seed: int) -> BuiltModel:
    from lepton_lab.catalog import detection_models
    from lepton_lab.catalog.lookup import find

    classes = None if data is None else data.classes
    return detection_models.build(find(spec.name), spec, classes, seed)


RECORD = TaskRecord(
    name="object-detection",
    description="Boxes with a class each on an image.",
    content="image",
    labels="boxes",
    create=ObjectDetection,
    build=_build,
)
