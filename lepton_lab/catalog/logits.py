# SPDX-License-Identifier: BSD-3-Clause
"""A model of transformers as a plain module: pixels or tokens in, logits out."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Logits(nn.Module):
    """Calls a transformers model and returns its logits alone.

    Args:
        model: A classifier of images, or of their pixels, of transformers.
        flip: Turn red, green, blue into blue, green, red first.
        options: Further arguments of its forward pass.
    """

    def __init__(
        self, model: nn.Module, flip: bool = False, options: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.model, self.flip, self.options = model, flip, dict(options or {})

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """float32 (N, C, H, W), normalized, to logits (N, classes); of pixels (N, classes, h, w), at the model's resolution."""
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
        found = _read(self.model, input_ids, attention_mask, token_type_ids)
        logits: torch.Tensor = found.logits
        return logits


class PooledText(nn.Module):
    """A text model of transformers without a head, and a linear layer on the pooled vector of a text.

    Args:
        model: The backbone.
        outputs: Classes, or 1.
        pooling: "mean" of the tokens that are none of the padding, or the "first" one.
    """

    def __init__(self, model: nn.Module, outputs: int, pooling: str) -> None:
        super().__init__()
        self.model, self.pooling = model, pooling
        config: Any = model.config
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(int(config.hidden_size), outputs)

    def vectors(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """int64 (N, T) each, to one vector for each text, float (N, width)."""
        found = _read(self.model, input_ids, attention_mask, token_type_ids)
        tokens: torch.Tensor = found.last_hidden_state
        if self.pooling == "first":
            return tokens[:, 0]
        read = attention_mask[..., None].to(tokens.dtype)
        return (tokens * read).sum(1) / read.sum(1).clamp_min(1.0)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """int64 (N, T) each, to logits (N, outputs)."""
        vectors = self.vectors(input_ids, attention_mask, token_type_ids)
        logits: torch.Tensor = self.head(self.dropout(vectors))
        return logits


def _read(
    model: nn.Module,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor,
    token_type_ids: torch.Tensor | None,
) -> Any:
    """What a model of texts answers; segments only where it takes them."""
    given = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
    return model(input_ids=input_ids, attention_mask=attention_mask, **given)
