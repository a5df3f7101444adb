# SPDX-License-Identifier: BSD-3-Clause
"""How a segmentation model is exported: pixels in as uint8, logits of the model's own grid out.

The graph normalizes and computes; enlarging the logits to the size of the picture, and the choice of a class
for each pixel, is the runtime's (`mask_output`), because that size is the user's and no constant of a graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.exporting.signature import Graph, Outputs, Score, Signature
from lepton_lab.exporting.signatures.image_classification import RECORD as _PICTURES
from lepton_lab.metrics.overlap import areas, mean_iou, overlap_intervals, pixel_confusion
from lepton_lab.runtime.decode import FORMATS, decode_image
from lepton_lab.runtime.image import normalize, prepare
from lepton_lab.runtime.mask_output import class_map

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.exporting.subject import Subject
    from lepton_lab.runtime.probe import Compute

# As for classes: fp32 rounds by 6e-8, ONNX Runtime's logits differ from PyTorch's by at most some 1e-5 of
# the largest one even through a decoder that adds up hundreds of channels; a mistake (another
# interpolation, a missing normalization) moves them by a hundredth of it and more.
_RELATIVE = 1e-4
_SMALLEST = 1e-5
# Elsewhere another JPEG decoder may differ by one pixel level of 255. That moves borders between classes by
# less than a pixel: of a golden grid's 1,024 points, one in fifty may lie on such a border and fall over.
_GOLDEN = 0.02
_INDEPENDENT = 1e-5


def _interface(built: BuiltModel) -> dict[str, Any]:
    height, width = _size(built)
    shape = ["batch", height, width, int(built.preprocessing["channels"])]
    grid = ["batch", len(built.classes), "rows", "columns"]
    return {
        "input": {
            "kind": "image",
            "formats": list(FORMATS),
            "graph": {"name": "image", "dtype": "uint8", "shape": shape},
        },
        "output": {"kind": "mask", "logits": {"dtype": "float32", "shape": grid}},
    }


def _graph(subject: Subject) -> Graph:
    import torch

    built, inner = subject.built, subject.module()
    rule = built.preprocessing

    class ImageToGrid(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner
            self.register_buffer("mean", torch.tensor(rule["mean"], dtype=torch.float32))
            self.register_buffer("std", torch.tensor(rule["std"], dtype=torch.float32))

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor]:
            scaled = image.to(torch.float32) * rule["rescale"]
            return (self.inner(((scaled - self.mean) / self.std).permute(0, 3, 1, 2)),)

    pixels = torch.zeros(2, *_size(built), int(rule["channels"]), dtype=torch.uint8)
    module = ImageToGrid().eval()
    return Graph(module, {"image": pixels}, ("logits",), {"image": {0: "batch"}})


def _compute(module: torch.nn.Module, rule: Mapping[str, Any]) -> Compute:
    import torch

    def compute(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        device = next(module.parameters()).device
        with torch.inference_mode():
            pixels = torch.from_numpy(normalize(batch["image"], rule)).to(device)
            return {"logits": module(pixels).float().cpu().numpy()}

    return compute


def _tolerance(reference: Outputs) -> dict[str, float]:
    largest = max(float(np.abs(values).max()) for values in reference["logits"])
    return {"logits": max(_SMALLEST, _RELATIVE * largest)}


def _agrees(reference: Outputs, found: Outputs) -> np.ndarray:
    """Every pixel of the grid of the same class, or of one that the model holds for as good within the tolerance."""
    close = 2 * _tolerance(reference)["logits"]
    return np.array(
        [
            wanted.shape == given.shape and bool((_lost(wanted, given) <= close).all())
            for wanted, given in zip(reference["logits"], found["logits"], strict=True)
        ]
    )


def _lost(wanted: np.ndarray, given: np.ndarray) -> np.ndarray:
    """By how much the chosen class of each pixel is below the best one, in the model's own logits."""
    chosen = np.take_along_axis(wanted, given.argmax(axis=0)[None], axis=0)[0]
    below: np.ndarray = wanted.max(axis=0) - chosen
    return below


def _answer(outputs: Outputs, row: int, labels: Sequence[str]) -> str:
    grid = outputs["logits"][row].argmax(axis=0)
    counts = np.bincount(grid.ravel(), minlength=len(labels))
    best = np.argsort(-counts, kind="stable")[:3]
    return ", ".join(f"{labels[int(i)]} {counts[i] / grid.size:.1%}" for i in best if counts[i])


def _score(outputs: Outputs, targets: Sequence[Any]) -> Score:
    confusions = []
    for logits, target in zip(outputs["logits"], targets, strict=True):
        truth = target.read()
        size = int(truth.shape[0]), int(truth.shape[1])
        confusions.append(pixel_confusion(class_map(logits, size), truth, len(logits)))
    if not confusions:
        return Score("mean_iou", float("nan"), 0.0, 1.0, 0)
    each = areas(np.stack(confusions))
    low, high = overlap_intervals(each)["mean_iou"]
    return Score("mean_iou", float(mean_iou(each.sum(axis=0))), low, high, len(confusions))


def _independent_check(subject: Subject, samples: Sequence[bytes]) -> str:
    """The image processor of transformers, made from the settings that are stored, on the same pixels."""
    import transformers

    built = subject.built
    settings = dict(built.config.get("processor") or {})
    kind = str(settings.pop("image_processor_type", ""))
    found = getattr(transformers, f"{kind}Pil", None) or getattr(transformers, kind, None)
    if found is None or int(built.preprocessing["channels"]) != 3:
        return ""
    processor = found(**settings)
    for data in samples:
        pixels = decode_image(data)
        ours = normalize(prepare(pixels, built.preprocessing)[None], built.preprocessing)
        theirs = np.asarray(processor(images=pixels, return_tensors="np")["pixel_values"])
        if settings.get("do_flip_channel_order"):
            theirs = theirs[:, ::-1]
        worst = float(np.abs(ours - theirs).max()) if ours.shape == theirs.shape else float("inf")
        if not worst <= _INDEPENDENT:
            return f"the input differs from that of transformers' own processor by {worst:.2g}"
    return ""


def _size(built: BuiltModel) -> tuple[int, int]:
    height, width = built.preprocessing["resize"]["size"]
    return int(height), int(width)


RECORD = Signature(
    name="semantic-segmentation",
    description="Bytes of an image to a class per pixel.",
    interface=_interface,
    graph=_graph,
    compute=_compute,
    odd=_PICTURES.odd,
    stand_ins=_PICTURES.stand_ins,
    suffix=_PICTURES.suffix,
    tolerance=_tolerance,
    agrees=_agrees,
    answer=_answer,
    score=_score,
    independent_check=_independent_check,
    golden=_GOLDEN,
)
