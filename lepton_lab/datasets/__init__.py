# SPDX-License-Identifier: BSD-3-Clause
"""What a model is trained on: sources, checks, splits, order, augmentation, and an honest audit.

The registry of sources is `lepton_lab.datasets.sources.sources`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Audit": "audit",
    "Dataset": "dataset",
    "Finding": "records",
    "ImageDataset": "dataset",
    "Reading": "records",
    "Record": "records",
    "Sample": "records",
    "Source": "records",
    "Split": "splits",
    "data": "dataset",
    "order": "sampler",
    "sample_seed": "sampler",
    "seed_sample": "sampler",
    "training_transform": "augment",
}
__all__ = [
    "Audit",
    "Dataset",
    "Finding",
    "ImageDataset",
    "Reading",
    "Record",
    "Sample",
    "Source",
    "Split",
    "data",
    "order",
    "sample_seed",
    "seed_sample",
    "training_transform",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lepton_lab.datasets' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"lepton_lab.datasets.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


if TYPE_CHECKING:
    from lepton_lab.datasets.audit import Audit
    from lepton_lab.datasets.augment import training_transform
    from lepton_lab.datasets.dataset import Dataset, ImageDataset, data
    from lepton_lab.datasets.records import Finding, Reading, Record, Sample, Source
    from lepton_lab.datasets.sampler import order, sample_seed, seed_sample
    from lepton_lab.datasets.splits import Split
