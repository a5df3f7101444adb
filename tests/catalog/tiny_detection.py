# SPDX-License-Identifier: BSD-3-Clause
"""Tiny detectors of transformers, made from a configuration: nothing is fetched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForObjectDetection

_RESNET = {
    "model_type": "resnet", "embedding_size": 8, "hidden_sizes": [8, 16, 16, 32], "depths": [1, 1, 1, 1],
    "layer_type": "basic",
}  # fmt: skip
_HEADS = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
    "encoder_attention_heads": 2, "decoder_attention_heads": 2, "num_queries": 8,
}  # fmt: skip
_RT = {
    "backbone_config": {
        **_RESNET, "model_type": "rt_detr_resnet", "out_features": ["stage2", "stage3", "stage4"],
    },
    "encoder_hidden_dim": 32, "encoder_in_channels": [16, 16, 32], "feat_strides": [8, 16, 32],
    "encoder_layers": 1, "encoder_ffn_dim": 32, "encoder_attention_heads": 2, "d_model": 32, "num_queries": 8,
    "decoder_in_channels": [32, 32, 32], "decoder_ffn_dim": 32, "decoder_layers": 2,
    "decoder_attention_heads": 2, "num_denoising": 4, "hidden_expansion": 0.5,
}  # fmt: skip
CONFIGS: dict[str, dict[str, Any]] = {
    "detr": {**_HEADS, "backbone_config": {**_RESNET, "out_features": ["stage4"]}},
    "detr-timm": {**_HEADS, "backbone": "test_resnet.r160_in1k", "use_timm_backbone": True},
    "conditional_detr": {**_HEADS, "backbone_config": {**_RESNET, "out_features": ["stage4"]}},
    "deformable_detr": {
        **_HEADS, "num_feature_levels": 3,
        "backbone_config": {**_RESNET, "out_features": ["stage2", "stage3", "stage4"]},
    },
    "yolos": {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
        "image_size": [64, 64], "patch_size": 16, "num_detection_tokens": 8,
    },
    "rt_detr": _RT,
    "rt_detr_v2": _RT,
}  # fmt: skip
PROCESSORS: dict[str, dict[str, Any]] = {
    "rt_detr": {"image_processor_type": "RTDetrImageProcessor", "size": {"height": 64, "width": 64}},
    "yolos": {"image_processor_type": "YolosImageProcessor", "size": {"shortest_edge": 64, "longest_edge": 90}},
}  # fmt: skip
OF_DETR = {"feature_extractor_type": "DetrFeatureExtractor", "size": 64, "max_size": 90, "format": "coco_detection"}  # fmt: skip


def tiny_folder(folder: Path, kind: str = "detr", classes: int = 5, seed: int = 0) -> Path:
    """A model folder in transformers' layout with random weights and `classes` classes."""
    import torch

    names = {i: f"label {i}" for i in range(classes)}
    given = {**CONFIGS[kind], "id2label": names, "label2id": {n: i for i, n in names.items()}}
    config = AutoConfig.for_model(kind.partition("-")[0], **given)
    torch.manual_seed(seed)
    AutoModelForObjectDetection.from_config(config).save_pretrained(folder)
    processor = PROCESSORS.get(kind.removesuffix("_v2"), OF_DETR)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder
