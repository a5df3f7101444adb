# SPDX-License-Identifier: BSD-3-Clause
"""Tiny segmentation models of transformers, made from a configuration: nothing is fetched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForSemanticSegmentation

CONFIGS: dict[str, dict[str, Any]] = {
    "segformer": {
        "num_encoder_blocks": 4, "depths": [1, 1, 1, 1], "hidden_sizes": [8, 16, 24, 32],
        "num_attention_heads": [1, 1, 2, 2], "decoder_hidden_size": 32, "sr_ratios": [4, 2, 1, 1],
        "mlp_ratios": [2, 2, 2, 2], "drop_path_rate": 0.0, "classifier_dropout_prob": 0.0,
    },
    "mobilenet_v2": {
        "depth_multiplier": 0.25, "image_size": 64, "output_stride": 16, "classifier_dropout_prob": 0.8,
        "finegrained_output": False,
    },
    "mobilevit": {
        "image_size": 64, "hidden_sizes": [16, 24, 32], "neck_hidden_sizes": [8, 8, 12, 16, 16, 16, 32],
        "num_attention_heads": 2, "aspp_out_channels": 16, "output_stride": 16, "atrous_rates": [2, 4, 6],
    },
    "dpt": {
        "image_size": 64, "patch_size": 16, "hidden_size": 32, "num_hidden_layers": 4,
        "num_attention_heads": 2, "intermediate_size": 64, "backbone_out_indices": [0, 1, 2, 3],
        "neck_hidden_sizes": [8, 8, 8, 8], "fusion_hidden_size": 8, "is_hybrid": False,
    },
    "beit": {
        "image_size": 64, "patch_size": 16, "hidden_size": 32, "num_hidden_layers": 4,
        "num_attention_heads": 2, "intermediate_size": 64, "out_indices": [1, 2, 3, 4],
        "use_relative_position_bias": True,
    },
    "upernet": {
        "backbone_config": {
            "model_type": "convnext", "depths": [1, 1, 1, 1], "hidden_sizes": [8, 12, 16, 24],
            "out_features": ["stage1", "stage2", "stage3", "stage4"],
        },
        "hidden_size": 16,
    },
}  # fmt: skip
PROCESSORS: dict[str, dict[str, Any]] = {
    "mobilenet_v2": {
        "image_processor_type": "MobileNetV2ImageProcessor", "size": {"shortest_edge": 64},
        "crop_size": {"height": 64, "width": 64}, "do_center_crop": True,
    },
    "mobilevit": {
        "image_processor_type": "MobileViTImageProcessor", "size": {"shortest_edge": 72},
        "crop_size": {"height": 64, "width": 64},
    },
    "dpt": {
        "image_processor_type": "DPTImageProcessor", "size": {"height": 64, "width": 64},
        "keep_aspect_ratio": True, "ensure_multiple_of": 32, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
    },
}  # fmt: skip
SQUARE = {
    "image_processor_type": "SegformerImageProcessor", "size": {"height": 64, "width": 64},
    "do_reduce_labels": True,
}  # fmt: skip


def tiny_folder(folder: Path, kind: str = "segformer", classes: int = 5, seed: int = 0) -> Path:
    """A model folder in transformers' layout with random weights and `classes` classes."""
    import torch

    names = {i: f"label {i}" for i in range(classes)}
    given = {**CONFIGS[kind], "id2label": names, "label2id": {n: i for i, n in names.items()}}
    torch.manual_seed(seed)
    model = AutoModelForSemanticSegmentation.from_config(AutoConfig.for_model(kind, **given))
    model.save_pretrained(folder)
    processor = PROCESSORS.get(kind, SQUARE)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder
