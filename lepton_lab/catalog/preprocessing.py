# SPDX-License-Identifier: BSD-3-Clause
"""timm's data configuration as plain preprocessing data, and back.

The data is what `lepton_lab.runtime.image` carries out; its evaluation transform is timm's
`create_transform(is_training=False)`, pixel for pixel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

RESCALE = 1 / 255


def from_timm(config: Mapping[str, Any], image_size: int | None = None, channels: int = 3) -> dict[str, Any]:
    """Preprocessing of a timm configuration.

    Args:
        config: Keys input_size, interpolation, crop_pct, crop_mode, mean, std; timm's defaults otherwise.
        image_size: Side in pixels instead of the configuration's own.
        channels: Channels of the model; constants are averaged (1) or repeated where they differ.

    >>> rule = from_timm({"input_size": [3, 224, 224], "crop_pct": 0.875, "interpolation": "bicubic"})
    >>> rule["resize"]["size"], rule["crop"]["size"]
    ([256, 256], [224, 224])
    """
    size = [image_size, image_size] if image_size else [int(side) for side in config.get("input_size", (3, 224, 224))[1:]]
    # timm falls back on these where a configuration is silent or says 0.
    share = config.get("crop_pct") or 0.875
    mean = fit_channels(config.get("mean") or (0.485, 0.456, 0.406), channels)
    std = fit_channels(config.get("std") or (0.229, 0.224, 0.225), channels)
    resize = {
        "mode": {"squash": "exact", "border": "longest"}.get(config.get("crop_mode", "center"), "shortest"),
        "size": [math.floor(side / share) for side in size],
        "interpolation": config.get("interpolation") or "bicubic",
    }
    border = config.get("crop_mode") == "border"
    fill: Any = [round(255 * value) for value in mean] if border else 0
    crop = {"mode": "pad" if border else "center", "size": size, "fill": fill}
    return data(channels, resize, crop, mean, std)


def data(
    channels: int,
    resize: Mapping[str, Any] | None,
    crop: Mapping[str, Any] | None,
    mean: Sequence[float],
    std: Sequence[float],
    rescale: float = RESCALE,
) -> dict[str, Any]:
    """The preprocessing of an image as JSON data."""
    return {
        "kind": "image",
        "channels": channels,
        "resize": None if resize is None else dict(resize),
        "crop": None if crop is None else dict(crop),
        "rescale": rescale,
        "mean": [float(value) for value in mean],
        "std": [float(value) for value in std],
    }


def fit_channels(values: Sequence[float], channels: int) -> list[float]:
    """Constants for another number of channels: their mean for one, repeated in turn for more.

    >>> fit_channels([0.5, 0.4, 0.3], 1), fit_channels([0.5, 0.4, 0.3], 4)
    ([0.4], [0.5, 0.4, 0.3, 0.5])
    """
    values = [float(value) for value in values]
    if len(values) == channels:
        return values
    if channels == 1:
        return [round(sum(values) / len(values), 6)]
    return [values[i % len(values)] for i in range(channels)]


def final_size(preprocessing: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of the prepared image."""
    step = preprocessing.get("crop") or preprocessing["resize"]
    return int(step["size"][0]), int(step["size"][1])
