# SPDX-License-Identifier: BSD-3-Clause
"""Recipes to begin with: each is a few fields of `TrainSpec`, set at once and changed freely after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lepton_lab.registry import Registry


@dataclass(frozen=True)
class Preset:
    """A recipe.

    Attributes:
        name: What the button says.
        description: What it is for, in one line.
        values: Field of `TrainSpec` -> value as it is typed; all others take their default.
    """

    name: str
    description: str
    values: Mapping[str, Any] = field(default_factory=dict)


presets: Registry[Preset] = Registry("preset")
presets.register(
    Preset(
        "quick",
        "a first look: two epochs, only the head learns",
        {"epochs": "2", "freeze": "backbone"},
    )
)
presets.register(Preset("balanced", "the defaults: five epochs, all layers learn"))
presets.register(
    Preset(
        "thorough",
        "for the best result: more epochs, strong augmentation, stops when nothing improves",
        {"epochs": "20", "augment": "strong", "patience": "5", "ema": "0.99"},
    )
)
