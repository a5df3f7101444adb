# SPDX-License-Identifier: BSD-3-Clause
"""A segmentation model of transformers as a plain module: pixels in, logits of a coarser grid out."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


class SegmentationLogits(nn.Module):
    """Calls a transformers model and returns its logits alone.

    Args:
        model: One of its `...ForSemanticSegmentation`.
        flip: Turn red, green, blue into blue, green, red first.
        options: Further arguments of its forward pass.
    """

    def __init__(
        self, model: nn.Module, flip: bool = False, options: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.model, self.flip, self.options = model, flip, dict(options or {})

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """float32 (N, C, H, W), normalized, to logits (N, classes, h, w) at the model's own resolution."""
        given = pixels.flip(1) if self.flip else pixels
        logits: torch.Tensor = self.model(pixel_values=given, **self.options).logits
        return logits


class SteadyNorm(nn.BatchNorm2d):
    """Batch normalization that takes its running statistics where a batch has one value per channel.

    DeepLab and UPerNet pool the whole picture to one pixel: a last batch of one picture would have no
    variance there, and torch would refuse it in the middle of a training.
    """

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """As `BatchNorm2d`."""
        if not self.training or values.numel() > values.shape[1]:
            return super().forward(values)
        return F.batch_norm(
            values,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            False,
            0.0,
            self.eps,
        )


def steady(model: nn.Module) -> None:
    """Give every batch normalization of a model this patience; names and values stay as they are."""
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SteadyNorm
