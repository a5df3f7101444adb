# SPDX-License-Identifier: BSD-3-Clause
"""A transformers classifier as a plain module: pixels in, logits out."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Logits(nn.Module):
    """Calls a transformers model and returns its logits alone.

    Args:
        model: An image classifier of transformers.
        flip: Turn red, green, blue into blue, green, red first.
        options: Further arguments of its forward pass.
    """

    def __init__(self, model: nn.Module, flip: bool = False, options: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.model, self.flip, self.options = model, flip, dict(options or {})

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """float32 (N, C, H, W), normalized, to logits (N, classes)."""
        logits: torch.Tensor = self.model(pixel_values=pixels.flip(1) if self.flip else pixels, **self.options).logits
        return logits
