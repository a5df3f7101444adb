# SPDX-License-Identifier: BSD-3-Clause
"""How a detector is exported: pixels in as uint8, scores and boxes of its queries out.

The graph takes what the runtime prepares, (N, h, w, C) uint8 of one fixed size, and does the rest itself:
cast, rescale, mean and std, layout, the model, softmax or sigmoid, and the corners of the boxes. Which
queries count, and pixels of the original, are the runtime's (`runtime/boxes_output.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.datasets.labels.boxes import Boxes, counted
from lepton_lab.errors import LeptonError
from lepton_lab.exporting.signature import Graph, Outputs, Score, Signature
from lepton_lab.exporting.signatures.image_classification import RECORD as _IMAGES
from lepton_lab.exporting.signatures.odd_images import odd_images, stand_ins
from lepton_lab.metrics.boxes import BoxMeasurement
from lepton_lab.runtime.boxes_output import THRESHOLD, TOP, pick
from lepton_lab.runtime.decode import FORMATS, decode_image
from lepton_lab.runtime.image import normalize, prepare
from lepton_lab.tasks.object_detection import truths

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.exporting.subject import Subject
    from lepton_lab.runtime.probe import Compute

# Scores are probabilities and boxes are shares of the picture, both from 0 to 1, so that one absolute limit
# fits both: a ten-thousandth is a sixteenth of a pixel at 640. Rounding moves them by less than 1e-6 in the
# families tried here; a wrong resize, colour order or constant moves them by a hundredth and more.
_LIMIT = 1e-4
# The library resizes with torch or Pillow and normalizes in float64 or float32.
_INDEPENDENT = 1e-5
# The tracer fixes the batch of these: their code asks for lengths and sums of tensors as numbers of Python.
_NOT_TRACED = ("deformable_detr", "rt_detr", "rt_detr_v2")


def _interface(built: BuiltModel) -> dict[str, Any]:
    height, width = built.preprocessing["resize"]["size"]
    channels, classes = int(built.preprocessing["channels"]), len(built.classes)
    graph = {"name": "image", "dtype": "uint8", "shape": ["batch", height, width, channels]}
    return {
        "input": {"kind": "image", "formats": list(FORMATS), "graph": graph},
        "output": {
            "kind": "boxes",
            "top": TOP,
            "threshold": THRESHOLD,
            "scores": {"dtype": "float32", "shape": ["batch", "queries", classes]},
            "boxes": {"dtype": "float32", "shape": ["batch", "queries", 4]},
        },
    }


def _graph(subject: Subject) -> Graph:
    import torch

    kind = str(subject.built.config["config"]["model_type"])
    if kind in _NOT_TRACED:
        raise LeptonError(
            f"'{subject.name}' cannot be written as ONNX.",
            f"A model of the type {kind} is not traced with a free batch; detr, conditional_detr and yolos are.",
            "model.export('safetensors')",
        )
    inner, rule = subject.module(), subject.built.preprocessing

    class ImageToBoxes(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner
            self.register_buffer("mean", torch.tensor(rule["mean"], dtype=torch.float32))
            self.register_buffer("std", torch.tensor(rule["std"], dtype=torch.float32))

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            scaled = image.to(torch.float32) * rule["rescale"]
            scores, boxes = self.inner(((scaled - self.mean) / self.std).permute(0, 3, 1, 2))
            return scores, boxes

    shape = 2, *(int(side) for side in rule["resize"]["size"]), int(rule["channels"])
    example = {"image": torch.zeros(shape, dtype=torch.uint8)}
    return Graph(ImageToBoxes().eval(), example, ("scores", "boxes"), {"image": {0: "batch"}})


def _compute(module: torch.nn.Module, rule: Mapping[str, Any]) -> Compute:
    import torch

    def compute(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        device = next(module.parameters()).device
        with torch.inference_mode():
            pixels = torch.from_numpy(normalize(batch["image"], rule)).to(device)
            scores, boxes = module(pixels)
        return {"scores": scores.cpu().numpy(), "boxes": boxes.cpu().numpy()}

    return compute


def _tolerance(reference: Outputs) -> dict[str, float]:
    return {"scores": _LIMIT, "boxes": _LIMIT}


def _agrees(reference: Outputs, found: Outputs) -> np.ndarray:
    """The same boxes are shown, but for those whose score is as near to the threshold as the tolerance."""
    pairs = zip(reference["scores"], found["scores"], strict=True)
    same = []
    for wanted, given in pairs:
        clear = np.abs(wanted - THRESHOLD) > 2 * _LIMIT
        same.append(bool(((wanted >= THRESHOLD) == (given >= THRESHOLD))[clear].all()))
    return np.array(same)


def _answer(outputs: Outputs, row: int, labels: Sequence[str]) -> str:
    found = pick(outputs["scores"][row], outputs["boxes"][row], (1, 1), TOP)
    best = f" (best score {found[0, 0]:.4f})" if len(found) else ""
    return counted(labels[int(kind)] for score, kind in found[:, :2] if score >= THRESHOLD) + best


def _score(outputs: Outputs, targets: Sequence[Boxes]) -> Score:
    """Average precision at an overlap of one half."""
    if not targets:
        return Score("map50", float("nan"), 0.0, 1.0, 0)
    rows = zip(outputs["scores"], outputs["boxes"], targets, strict=True)
    found = [pick(scores, boxes, target.size, TOP) for scores, boxes, target in rows]
    measured = BoxMeasurement(found, truths(targets), outputs["scores"][0].shape[1])
    low, high = measured.intervals()["map50"]
    return Score("map50", measured.values["map50"], low, high, len(targets))


def _independent_check(subject: Subject, samples: Sequence[bytes]) -> str:
    """The image processor that transformers makes of the saved file, on the same pixels."""
    import transformers

    built = subject.built
    settings = dict(built.config["processor"])
    kind = str(settings.pop("image_processor_type"))
    processor = getattr(transformers, f"{kind}Pil")(**settings)
    for data in samples:
        pixels = decode_image(data)
        ours = normalize(prepare(pixels, built.preprocessing)[None], built.preprocessing)[0]
        theirs = np.asarray(processor(pixels, return_tensors="np")["pixel_values"][0])
        if theirs.shape != ours.shape or not float(np.abs(ours - theirs).max()) <= _INDEPENDENT:
            return "the input differs from that of transformers' own image processor"
    return ""


RECORD = Signature(
    name="object-detection",
    description="Bytes of an image to boxes with classes and scores.",
    interface=_interface,
    graph=_graph,
    compute=_compute,
    odd=odd_images,
    stand_ins=stand_ins,
    suffix=_IMAGES.suffix,
    tolerance=_tolerance,
    agrees=_agrees,
    answer=_answer,
    score=_score,
    independent_check=_independent_check,
)
