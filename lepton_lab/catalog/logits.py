# SPDX-License-Identifier: BSD-3-Clause
"""A transformers classifier as a plain module: pixels or tokens in, logits out."""

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

    def __init__(
        self, model: nn.Module, flip: bool = False, options: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.model, self.flip, self.options = model, flip, dict(options or {})

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """float32 (N, C, H, W), normalized, to logits (N, classes)."""
        logits: torch.Tensor = self.model(
            pixel_values=pixels.flip(1) if self.flip else pixels, **self.options
        ).logits
        return logits


class TextLogits(nn.Module):
    """Calls a text model of transformers and returns its logits alone.

    Args:
        model: A classifier of texts or of tokens.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """int64 (N, T) each, to logits (N, classes) of texts or (N, T, classes) of tokens."""
        given = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        found = self.model(input_ids=input_ids, attention_mask=attention_mask, **given)
        logits: torch.Tensor = found.logits
        return logits
