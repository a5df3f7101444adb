# SPDX-License-Identifier: BSD-3-Clause
"""Tiny classifiers of sounds in transformers' layout, made from configurations; nothing is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForSequenceClassification,
)

_WAVE: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "conv_dim": (8, 8, 8), "conv_stride": (5, 4, 4), "conv_kernel": (10, 8, 8),
    "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2, "classifier_proj_size": 8,
    "id2label": {0: "no", 1: "yes"},
}  # fmt: skip
_AST: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_length": 64, "num_mel_bins": 32, "id2label": {0: "no", 1: "yes"},
}  # fmt: skip


def wav2vec2(folder: Path, mask: bool = False) -> Path:
    """A Wav2Vec2 of 13 000 parameters; `mask` is the kind with layer norms that is used with a mask."""
    torch.manual_seed(0)
    kind = {"feat_extract_norm": "layer", "do_stable_layer_norm": True} if mask else {}
    Wav2Vec2ForSequenceClassification(Wav2Vec2Config(**_WAVE, **kind)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=mask).save_pretrained(folder)
    return folder


def spectrogram_transformer(folder: Path) -> Path:
    """An AST that sees 64 frames of 32 bands."""
    torch.manual_seed(0)
    ASTForAudioClassification(ASTConfig(**_AST)).save_pretrained(folder)
    ASTFeatureExtractor(max_length=64, num_mel_bins=32).save_pretrained(folder)
    return folder
