# SPDX-License-Identifier: BSD-3-Clause
"""Semantic segmentation: checkpoints of transformers that are known to be good to start from.

ADE20K has 150 classes of scenes, Pascal VOC 20 kinds of things and a background.
"""

from __future__ import annotations

from lepton_lab.catalog.entry import ModelEntry


def _entry(
    name: str, family: str, millions: float, side: int, classes: int, licence: str, about: str
) -> ModelEntry:
    return ModelEntry(
        name=name,
        source="transformers",
        task="semantic-segmentation",
        family=family,
        params=round(millions * 1e6),
        input_size=(3, side, side),
        num_classes=classes,
        licence=licence,
        hub_id=name,
        description=about,
    )


ENTRIES: tuple[ModelEntry, ...] = (
    _entry(
        "openmmlab/upernet-convnext-tiny", "upernet", 60.1, 512, 150, "mit",
        "UPerNet on ConvNeXt-T, trained on ADE20K.",
    ),
    _entry(
        "openmmlab/upernet-swin-tiny", "upernet", 59.9, 512, 150, "mit",
        "UPerNet on Swin-T, trained on ADE20K.",
    ),
    _entry(
        "microsoft/beit-base-finetuned-ade-640-640", "beit", 163.2, 640, 150, "apache-2.0",
        "BEiT-B with a UPerNet decoder, trained on ADE20K: accurate and slow.",
    ),
    _entry(
        "Intel/dpt-large-ade", "dpt", 342.7, 480, 150, "apache-2.0",
        "DPT on ViT-L, trained on ADE20K: the largest one.",
    ),
    _entry(
        "nvidia/segformer-b0-finetuned-ade-512-512", "segformer", 3.8, 512, 150, "nvidia-nc",
        "SegFormer-B0, trained on ADE20K: small and quick.",
    ),
    _entry(
        "nvidia/segformer-b0-finetuned-cityscapes-1024-1024", "segformer", 3.7, 1024, 19, "nvidia-nc",
        "SegFormer-B0, trained on the streets of Cityscapes.",
    ),
    _entry(
        "google/deeplabv3_mobilenet_v2_1.0_513", "mobilenet_v2", 2.5, 513, 21, "other",
        "DeepLabV3+ on MobileNetV2, trained on Pascal VOC: for small devices.",
    ),
    _entry(
        "apple/deeplabv3-mobilevit-small", "mobilevit", 6.4, 512, 21, "apple-sample-code",
        "DeepLabV3 on MobileViT-S, trained on Pascal VOC.",
    ),
    _entry(
        "apple/deeplabv3-mobilevit-xx-small", "mobilevit", 1.9, 512, 21, "apple-sample-code",
        "DeepLabV3 on MobileViT-XXS, trained on Pascal VOC: the smallest one.",
    ),
)  # fmt: skip
