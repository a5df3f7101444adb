# SPDX-License-Identifier: BSD-3-Clause
"""A detector of transformers as a plain module: pixels in; out comes its loss, or scores and boxes per query."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Detector(nn.Module):
    """Calls a model of the DETR family.

    Args:
        model: One of transformers' `...ForObjectDetection`.
        many: Whether it scores each class on its own (sigmoid). Otherwise its last class is "nothing" and
            the scores of a query are shares (softmax).
    """

    def __init__(self, model: nn.Module, many: bool) -> None:
        super().__init__()
        self.model, self.many = model, many

    def forward(
        self, pixels: torch.Tensor, labels: list[dict[str, torch.Tensor]] | None = None
    ) -> Any:
        """The loss where `labels` are given, else scores and boxes.

        Args:
            pixels: float32 (N, C, H, W), normalized.
            labels: Per image "class_labels", int64 (n,), and "boxes", float32 (n, 4): centre and size
                as shares of width and height.

        Returns:
            A scalar; or scores (N, queries, classes) from 0 to 1, and boxes (N, queries, 4): left, top,
            right, bottom as shares.
        """
        if labels is not None:
            return self._loss(pixels, labels)
        found: Any = self.model(pixel_values=pixels)
        logits = found.logits.float()
        scores = logits.sigmoid() if self.many else logits.softmax(dim=-1)[..., :-1]
        centre, size = found.pred_boxes.float().split(2, dim=-1)
        return scores, torch.cat([centre - size / 2, centre + size / 2], dim=-1)

    def _loss(self, pixels: torch.Tensor, labels: list[dict[str, torch.Tensor]]) -> torch.Tensor:
        try:
            loss: torch.Tensor = self.model(pixel_values=pixels, labels=labels).loss
        except ValueError as error:
            if "corner" not in str(error):
                raise
            # The library refuses to match boxes that are not numbers; here that is a loss that is none.
            return next(self.parameters()).sum() * torch.nan
        return loss
