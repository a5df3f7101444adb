# SPDX-License-Identifier: BSD-3-Clause
"""What a mask costs: cross-entropy per pixel, with weights, smoothing and focus, the same bits on every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lepton_lab.datasets.labels.mask import IGNORE

if TYPE_CHECKING:
    import torch

    from lepton_lab.datasets import Split


def pixel_losses(
    logits: torch.Tensor,
    masks: torch.Tensor,
    weights: torch.Tensor | None = None,
    smooth: float = 0.0,
    focal: float = 0.0,
) -> torch.Tensor:
    """Cross-entropy of each picture, the mean over its pixels that have a class.

    It is put together from `gather`, which is deterministic on every device; torch's own loss of pixels is not.

    Args:
        logits: float (N, C, h, w) of any size.
        masks: int64 (N, H, W); 255 is no class.
        weights: Float (C,), the weight of a pixel of each class; all alike when left out.
        smooth: Share of the target that is spread over all classes.
        focal: Gamma of the focal loss (arXiv 1708.02002).

    Returns:
        float (N,); 0 for a picture without a pixel of any class.
    """
    import torch
    import torch.nn.functional as F

    logits = F.interpolate(logits, size=masks.shape[-2:], mode="bilinear", align_corners=False)
    logs = logits.log_softmax(dim=1)
    known = masks != IGNORE
    target = torch.where(known, masks, 0)
    right = logs.gather(1, target[:, None])[:, 0]
    each = -(1 - smooth) * right - smooth * logs.mean(dim=1)
    if focal:
        each = each * (1 - right.exp()) ** focal
    share = known.float()
    if weights is not None:
        share = share * weights.to(logits.device)[target]
    return (each * share).flatten(1).sum(1) / share.flatten(1).sum(1).clamp_min(1e-12)


def balanced_weights(split: Split, count: int) -> np.ndarray:
    """Weights that give every class the same part in the loss, float32 (count,), 1 on average over pixels.

    Classes without a pixel have none; the weight of a class is at most a hundred times the smallest one.
    """
    pixels = np.zeros(count)
    for sample in split:
        for index, number in (sample.label.pixels if sample.label is not None else {}).items():
            pixels[index] += number
    there = pixels > 0
    weights = np.zeros(count)
    weights[there] = 1 / pixels[there]
    if there.any():
        weights = np.minimum(weights, 100 * weights[there].min())
        weights /= (weights * pixels).sum() / pixels.sum()
    return weights.astype(np.float32)
