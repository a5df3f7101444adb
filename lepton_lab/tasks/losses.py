# SPDX-License-Identifier: BSD-3-Clause
"""Losses for classes that are unequal: weights by frequency, focal loss, label smoothing.

Weights belong to samples, with a mean of one over the training split, so that the loss of a batch is the mean
over its samples however it is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def class_weights(counts: np.ndarray, balanced: bool) -> np.ndarray:
    """The weight of a sample of each class, float32 (C,): all classes count the same when balanced.

    >>> class_weights(np.array([3, 1]), True).round(3).tolist()
    [0.667, 2.0]
    """
    if not balanced:
        return np.ones(len(counts), np.float32)
    present = max(int((counts > 0).sum()), 1)
    weights: np.ndarray = counts.sum() / (present * np.maximum(counts, 1))
    return weights.astype(np.float32)


def membership_weights(counts: np.ndarray, samples: int, balanced: bool) -> np.ndarray:
    """Weights of having a class or not, float32 (C, 2): both halves of each class count the same.

    >>> membership_weights(np.array([1]), 4, True).round(3).tolist()
    [[0.667, 2.0]]
    """
    if not balanced:
        return np.ones((len(counts), 2), np.float32)
    without = np.maximum(samples - counts, 1)
    pairs = np.stack([samples / (2 * without), samples / (2 * np.maximum(counts, 1))], axis=1)
    return pairs.astype(np.float32)


def class_loss(
    logits: torch.Tensor,
    labels: torch.Tensor,
    weights: torch.Tensor,
    *,
    smoothing: float = 0.0,
    gamma: float = 0.0,
) -> torch.Tensor:
    """Cross-entropy of one class per sample, a scalar.

    Args:
        logits: float (N, C).
        labels: int64 (N,).
        weights: float (N,).
        smoothing: Share of the target that is spread over all classes.
        gamma: Of the focal loss (arXiv 1708.02002): samples that are known well count less.
    """
    import torch.nn.functional as F

    losses = F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="none")
    if gamma > 0:
        known = logits.softmax(dim=1).gather(1, labels[:, None])[:, 0]
        losses = losses * (1.0 - known).clamp_min(0.0) ** gamma
    return (losses * weights).mean()


def membership_loss(
    logits: torch.Tensor,
    labels: torch.Tensor,
    weights: torch.Tensor,
    *,
    smoothing: float = 0.0,
    gamma: float = 0.0,
) -> torch.Tensor:
    """Binary cross-entropy of every class of every sample, a scalar.

    Args:
        logits: float (N, C).
        labels: float (N, C), 0 or 1.
        weights: float (N, C).
        smoothing: How far targets are moved towards a half.
        gamma: As in `class_loss`.
    """
    import torch.nn.functional as F

    soft = labels * (1.0 - smoothing) + 0.5 * smoothing
    losses = F.binary_cross_entropy_with_logits(logits, soft, reduction="none")
    if gamma > 0:
        shares = logits.sigmoid()
        known = shares * labels + (1.0 - shares) * (1.0 - labels)
        losses = losses * (1.0 - known).clamp_min(0.0) ** gamma
    return (losses * weights).mean()
