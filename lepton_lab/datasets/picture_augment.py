# SPDX-License-Identifier: BSD-3-Clause
"""What the augmentations of a picture with its boxes and of one with its mask have in common.

All randomness comes from torch's default generator, which `sampler.seed_sample` seeds for each sample.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from lepton_lab.datasets.augment import STRENGTHS
from lepton_lab.errors import SpecError, did_you_mean
from lepton_lab.runtime.image import prepare

CROP_SCALE = (0.5, 1.0)
JITTER = 0.3
_ENHANCERS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "nearest": Image.Resampling.NEAREST}

Window = tuple[float, float, float, float]


class PictureTransform:
    """The part that looks at the picture alone; it can be pickled.

    Args:
        strength: "none", "light" or "strong".
        preprocessing: The model's: the whole picture is resized to one size.
        flip: Whether a mirrored picture keeps its classes.

    Raises:
        SpecError: There is no such strength.
    """

    def __init__(self, strength: str, preprocessing: Mapping[str, Any], flip: bool = True) -> None:
        if strength not in STRENGTHS:
            raise SpecError(
                f"No augmentation is called '{strength}'.",
                did_you_mean(strength, STRENGTHS) or f"There are: {', '.join(STRENGTHS)}.",
                'augment="light"',
            )
        self.strength, self.preprocessing, self.flip = strength, dict(preprocessing), flip
        height, width = preprocessing["resize"]["size"]
        self.size = int(height), int(width)

    def finished(self, picture: Image.Image) -> np.ndarray:
        """uint8 (h, w, channels) of a picture that has the model's size already."""
        rule = {"channels": self.preprocessing["channels"], "resize": None, "crop": None}
        return prepare(np.asarray(picture), rule)

    def colour(self) -> tuple[int, int, int]:
        """The mean colour of the pretraining, for what lies outside a picture."""
        mean = list(self.preprocessing.get("mean") or [0.5]) * 3
        red, green, blue = (min(max(round(255 * value), 0), 255) for value in mean[:3])
        return red, green, blue

    def filter(self) -> Image.Resampling:
        """How the model's pictures are resized."""
        return _FILTERS.get(self.preprocessing["resize"]["interpolation"], Image.Resampling.BICUBIC)


def jittered(picture: Image.Image) -> Image.Image:
    """Brightness, contrast and saturation changed by up to 30 %."""
    for enhancer in _ENHANCERS:
        picture = enhancer(picture).enhance(1 + JITTER * (2 * draw() - 1))
    return picture


def crop(ratio: tuple[float, float]) -> Window:
    """Half to all of a picture as shares of it: left, top, right, bottom.

    Args:
        ratio: The least and the largest width by height, against that of the picture.
    """
    area = CROP_SCALE[0] + (CROP_SCALE[1] - CROP_SCALE[0]) * draw()
    low, high = (math.log(bound) for bound in ratio)
    stretch = math.exp((low + (high - low) * draw()) / 2)
    width, height = min(1.0, math.sqrt(area) * stretch), min(1.0, math.sqrt(area) / stretch)
    left, top = (1 - width) * draw(), (1 - height) * draw()
    return left, top, min(left + width, 1.0), min(top + height, 1.0)


def draw() -> float:
    """A number from 0 to 1 of torch's default generator."""
    import torch

    return float(torch.rand(()))
