# SPDX-License-Identifier: BSD-3-Clause
"""A sound classifier of transformers as a plain module: samples or filter banks in, logits out."""

from __future__ import annotations

import torch
from torch import nn


class SoundLogits(nn.Module):
    """Calls a transformers model and returns its logits alone.

    Args:
        model: A classifier of sounds.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_values: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """float32 (N, samples) or (N, frames, mels), and int64 (N, samples), to logits (N, classes)."""
        given = {} if attention_mask is None else {"attention_mask": attention_mask}
        logits: torch.Tensor = self.model(input_values, **given).logits
        return logits
