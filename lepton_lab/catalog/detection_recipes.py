# SPDX-License-Identifier: BSD-3-Clause
"""What detectors are known to train well with: the rates of their papers, for batches that fit on one device."""

from __future__ import annotations

from typing import Any

# Type of model -> peak rate, share of it in the backbone, source.
_RATES = {
    "detr": (1e-4, 0.1, "DETR (arXiv 2005.12872, A.4)"),
    "conditional_detr": (1e-4, 0.1, "Conditional DETR (arXiv 2108.06152)"),
    "deformable_detr": (2e-4, 0.1, "Deformable DETR (arXiv 2010.04159, 4)"),
    "yolos": (5e-5, 1.0, "YOLOS (arXiv 2106.00666), its fine-tuning on COCO"),
    "rt_detr": (1e-4, 0.1, "RT-DETR (arXiv 2304.08069, 5.1)"),
    "rt_detr_v2": (1e-4, 0.1, "RT-DETRv2 (arXiv 2407.17140)"),
}


def recipe(kind: str, pretrained: bool) -> dict[str, Any]:
    """What "auto" stands for when a detector of that type of model is trained."""
    rate, share, source = _RATES[kind]
    found = {"learning_rate": rate, "weight_decay": 1e-4, "batch_size": 8, "layer_decay": share}
    if pretrained:
        return {**found, "why": f"{source}: {rate:g}, and {rate * share:g} in the backbone"}
    why = "random weights: a usual rate from scratch, everywhere"
    return {**found, "learning_rate": 5e-4, "layer_decay": 1.0, "why": why}
