# SPDX-License-Identifier: BSD-3-Clause
"""Object detection: checkpoints of transformers that are known to be good to start from, all trained on COCO.

Those of DETR name 91 classes, with gaps that the data set has; those of RT-DETR 80.
"""

from __future__ import annotations

from lepton_lab.catalog.entry import ModelEntry


def _entry(
    name: str, family: str, millions: float, side: int, classes: int, about: str
) -> ModelEntry:
    return ModelEntry(
        name=name,
        source="transformers",
        task="object-detection",
        family=family,
        params=round(millions * 1e6),
        input_size=(3, side, side),
        num_classes=classes,
        licence="apache-2.0",
        hub_id=name,
        description=about,
    )


ENTRIES: tuple[ModelEntry, ...] = (
    _entry("PekingU/rtdetr_v2_r18vd", "rt_detr_v2", 20.2, 640, 80, "RT-DETRv2 on ResNet-18: quick and accurate, learns fast."),
    _entry("PekingU/rtdetr_v2_r50vd", "rt_detr_v2", 42.9, 640, 80, "RT-DETRv2 on ResNet-50: the most accurate one here."),
    _entry("PekingU/rtdetr_r18vd", "rt_detr", 20.2, 640, 80, "RT-DETR on ResNet-18."),
    _entry("PekingU/rtdetr_r50vd", "rt_detr", 42.9, 640, 80, "RT-DETR on ResNet-50."),
    _entry("facebook/detr-resnet-50", "detr", 41.6, 640, 91, "DETR on ResNet-50: the first of its kind; exports to ONNX."),
    _entry("facebook/detr-resnet-101", "detr", 60.7, 640, 91, "DETR on ResNet-101; exports to ONNX."),
    _entry("microsoft/conditional-detr-resnet-50", "conditional_detr", 43.5, 640, 91, "Conditional DETR: learns faster than DETR; exports to ONNX."),
    _entry("SenseTime/deformable-detr", "deformable_detr", 40.2, 640, 91, "Deformable DETR: better at small objects."),
    _entry("hustvl/yolos-tiny", "yolos", 6.5, 512, 91, "YOLOS-Ti: a plain vision transformer, small; exports to ONNX."),
    _entry("hustvl/yolos-small", "yolos", 30.7, 512, 91, "YOLOS-S: a plain vision transformer; exports to ONNX."),
)  # fmt: skip
