# SPDX-License-Identifier: BSD-3-Clause
"""Measure the weights: on held-out drawn shapes, and against the same network without them.

For the second, both networks get the same splits, the same few epochs and the same settings, fixed
beforehand; only the starting weights differ. The pictures are scikit-learn's ``load_digits``
(handwritten, 8 x 8); none of them is trained on, and no recipe was chosen by its score on them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .augment import draw_batch
from .patterns import build_banks

logger = logging.getLogger(__name__)
HELD_OUT_SEED = 1_000_000_000
"""Held-out batches count up from here; training batches count up from ``seed * 1_000_000``."""
TEST_IMAGES = 397
TRAIN_SIZES = (200, 1400)
EPOCHS = 4
BATCH_SIZE = 32
LR = 2e-3


def score_held_out(folder: Path, size: int, seed: int, batches: int = 40) -> dict[str, Any]:
    """Accuracy on warped, painted pictures of shapes that were not trained on.

    Args:
        folder: The backbone's folder.
        size: Side of the network's input, in pixels.
        seed: The seed the backbone was trained with, which decides its patterns.
        batches: How many batches of 256 pictures.

    Returns:
        The number of images, of classes they belong to, the accuracy, and that of each kind.
    """
    _, bank = build_banks(seed)
    model = build(folder, True, len(bank.names), seed).eval()
    kinds = [name.split()[0] for name in bank.names]
    hits: dict[str, list[bool]] = {}
    with torch.inference_mode():
        for index in range(batches):
            pictures, labels = draw_batch(bank, 256, size, HELD_OUT_SEED + index)
            right = (model(pictures).argmax(1) == labels).tolist()
            for label, hit in zip(labels.tolist(), right, strict=True):
                hits.setdefault(kinds[label], []).append(hit)
    every = [hit for values in hits.values() for hit in values]
    return {
        "images": len(every),
        "classes": int(np.count_nonzero(bank.counts)),
        "accuracy": round(float(np.mean(every)), 4),
        "by_kind": {kind: round(float(np.mean(values)), 4) for kind, values in hits.items()},
    }


@dataclass(frozen=True)
class Split:
    """Pictures (float32, count x 3 x size x size, normalized) and labels of one split."""

    train_x: torch.Tensor
    train_y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor


def load_digit_images(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """scikit-learn's digits, enlarged to ``size`` and normalized to [-1, 1].

    Returns:
        float32 pictures of shape (1797, 3, size, size) and int64 labels (1797,).
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.from_numpy(digits.images).float().div_(16.0).unsqueeze(1)
    images = F.interpolate(images, size=(size, size), mode="bicubic", align_corners=False)
    images = images.clamp_(0.0, 1.0).mul_(2.0).sub_(1.0).expand(-1, 3, -1, -1)
    return images.contiguous(), torch.from_numpy(digits.target).long()


def split(images: torch.Tensor, labels: torch.Tensor, train_size: int, seed: int) -> Split:
    """A stratified split with ``TEST_IMAGES`` test pictures, which depend on the seed alone."""
    from sklearn.model_selection import train_test_split

    everything = np.arange(len(labels))
    rest, test = train_test_split(
        everything, test_size=TEST_IMAGES, stratify=labels.numpy(), random_state=seed
    )
    if train_size < len(rest):
        rest, _ = train_test_split(
            rest, train_size=train_size, stratify=labels.numpy()[rest], random_state=seed
        )
    return Split(images[rest], labels[rest], images[test], labels[test])


def build(folder: Path, pretrained: bool, num_classes: int, seed: int) -> torch.nn.Module:
    """The folder's network, with its weights or from random ones, as any user would load it."""
    import timm

    torch.manual_seed(seed)
    return timm.create_model(f"local-dir:{folder}", pretrained=pretrained, num_classes=num_classes)


def linear_probe(folder: Path, pretrained: bool, data: Split, seed: int) -> float:
    """Test accuracy of logistic regression on the frozen, standardized features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = build(folder, pretrained, 0, seed).eval()
    with torch.inference_mode():
        train, test = (
            torch.cat([model(part) for part in images.split(256)]).numpy()
            for images in (data.train_x, data.test_x)
        )
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return float(probe.fit(train, data.train_y.numpy()).score(test, data.test_y.numpy()))


def fine_tune(folder: Path, pretrained: bool, data: Split, seed: int) -> float:
    """Test accuracy after ``EPOCHS`` epochs of AdamW on all weights, without augmentation."""
    model = build(folder, pretrained, int(data.train_y.max()) + 1, seed).train()
    steps = EPOCHS * -(-len(data.train_y) // BATCH_SIZE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(data.train_y)).split(BATCH_SIZE):
            loss = F.cross_entropy(model(data.train_x[rows]), data.train_y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(part) for part in data.test_x.split(256)])
    return float((logits.argmax(1) == data.test_y).float().mean())


METHODS: dict[str, Callable[[Path, bool, Split, int], float]] = {
    "linear probe": linear_probe,
    "fine-tuning": fine_tune,
}


def compare(folder: Path, size: int, seeds: int = 5) -> list[dict[str, Any]]:
    """Accuracy on digits for each method, training size and start, over several seeds.

    Args:
        folder: The backbone's folder.
        size: Side of the network's input, in pixels.
        seeds: How many splits and random starts.

    Returns:
        One row per method, training size and start, with every accuracy, their mean and the half
        width of the 95 % interval of that mean (Student's t).
    """
    images, labels = load_digit_images(size)
    rows = []
    for method, measure in METHODS.items():
        for train_size in TRAIN_SIZES:
            splits = [split(images, labels, train_size, seed) for seed in range(seeds)]
            for pretrained in (True, False):
                found = [measure(folder, pretrained, s, i) for i, s in enumerate(splits)]
                rows.append(_row(method, train_size, pretrained, found))
                logger.info("%s", rows[-1])
    return rows


def mean_and_half_width(values: list[float]) -> tuple[float, float]:
    """The mean and the half width of its 95 % interval (Student's t)."""
    from scipy.stats import t

    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(half)


def _row(method: str, train_size: int, pretrained: bool, found: list[float]) -> dict[str, Any]:
    mean, half = mean_and_half_width(found)
    return {
        "method": method,
        "training_images": train_size,
        "start": "pretrained" if pretrained else "random",
        "accuracies": [round(value, 4) for value in found],
        "mean": round(mean, 4),
        "half_width_95": round(half, 4),
    }
