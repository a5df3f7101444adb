# SPDX-License-Identifier: BSD-3-Clause
"""Segmentation models of transformers that can be trained on a last batch of one picture."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


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
