# SPDX-License-Identifier: BSD-3-Clause
"""What a report on masks says beside its metrics: classes, the worst pictures, what is taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.datasets.labels.mask import coverage
from lepton_lab.metrics.overlap import iou_per_class, pixel_accuracy

if TYPE_CHECKING:
    from lepton_lab.datasets import Split

WORST = 20
_SHOWN = 0.005


def present(pixels: np.ndarray, classes: Sequence[str]) -> str:
    """The classes with half a percent of a picture or more."""
    total = max(pixels.sum(), 1.0)
    names = [name for name, n in zip(classes, pixels, strict=True) if n / total >= _SHOWN]
    return ", ".join(names)


def class_columns(
    whole: np.ndarray, intervals: Sequence[tuple[float, float]], classes: Sequence[str]
) -> dict[str, list[Any]]:
    """IoU, its interval and the share of all pixels, of areas (3, C) over all pictures."""
    total = max(float(whole[1].sum()), 1.0)
    return {
        "class": list(classes),
        "IoU": iou_per_class(whole).tolist(),
        "low": [low for low, _ in intervals],
        "high": [high for _, high in intervals],
        "share of pixels": (whole[1] / total).tolist(),
    }


def worst(each: np.ndarray, single: np.ndarray, split: Split) -> list[dict[str, Any]]:
    """The pictures with the lowest mean IoU, lowest first.

    Args:
        each: Areas per picture, (N, 3, C).
        single: Mean IoU per picture, (N,); NaN where nothing can be said.
        split: The samples.
    """
    order = [int(i) for i in np.argsort(single, kind="stable")[:WORST] if not np.isnan(single[i])]
    return [
        {
            "sample": split[i].id,
            "mean IoU": float(single[i]),
            "pixel accuracy": float(pixel_accuracy(each[i])),
            "expected": split.labels.words(split[i].label, split.classes),
            "predicted": coverage(_counts(each[i][2]), split.classes),
        }
        for i in order
    ]


def _counts(pixels: np.ndarray) -> dict[int, int]:
    return {i: int(n) for i, n in enumerate(pixels) if n}


def notes(total: np.ndarray, classes: Sequence[str]) -> list[str]:
    """Classes that are not there, and the confusion that costs the most pixels.

    Args:
        total: Pixels by truth and prediction over all pictures, int64 (C, C).
        classes: C names.
    """
    truth, taken = total.sum(axis=1), total.sum(axis=0)
    found = []
    absent = [i for i in range(len(classes)) if not truth[i]]
    if absent:
        said = f"No pixel of {_listed(absent, classes)} is in this split; "
        found.append(said + "what is not predicted either has no IoU and is left out of the mean.")
    invented = [i for i in absent if taken[i]]
    if invented:
        found.append(f"Predicted all the same, so that its IoU is 0: {_listed(invented, classes)}.")
    wrong = total * (1 - np.eye(len(total), dtype=np.int64))
    if wrong.any():
        a, b = (int(i) for i in np.unravel_index(wrong.argmax(), total.shape))
        share = wrong[a, b] / truth[a]
        found.append(f"Taken for another most often: {share:.1%} of {classes[a]} for {classes[b]}.")
    return found


def _listed(indexes: Sequence[int], classes: Sequence[str], most: int = 5) -> str:
    names = ", ".join(classes[i] for i in indexes[:most])
    return names + (f" and {len(indexes) - most} more" if len(indexes) > most else "")
