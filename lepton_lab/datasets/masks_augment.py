# SPDX-License-Identifier: BSD-3-Clause
"""Random changes to a training picture and its mask, the same for both.

    none    exactly what evaluation does
    light   a crop of half to all of the picture, mirrored half of the time
    strong  light, then a small turn, and brightness, contrast and saturation changed by up to 30 %

A mask is moved with the nearest pixel, so that no class is made up between two others; what comes in from
outside has no class (255). All randomness comes from torch's default generator, which
`sampler.seed_sample` seeds for each sample.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from lepton_lab.datasets.augment import STRENGTHS
from lepton_lab.datasets.labels.mask import IGNORE
from lepton_lab.errors import SpecError, did_you_mean
from lepton_lab.runtime.image import prepare

CROP_SCALE = (0.5, 1.0)
CROP_RATIO = (0.8, 1.25)
TURN = 10.0
JITTER = 0.3
_ENHANCERS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "nearest": Image.Resampling.NEAREST}


class MaskTransform:
    """The function that makes a training input of a picture and its mask; it can be pickled.

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

    def __call__(self, image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A training input.

        Args:
            image: uint8 (H, W, 3); may be a reduced picture.
            mask: uint8 (H', W') of the same picture, of any size.

        Returns:
            uint8 (h, w, channels) and uint8 (h, w).
        """
        if self.strength == "none":
            return prepare(image, self.preprocessing), resized_mask(mask, self.size)
        box = self._box(image.shape)
        picture = self._cut(Image.fromarray(image), box, self._filter())
        label = self._cut(Image.fromarray(mask), box, Image.Resampling.NEAREST)
        if self.flip and _draw() < 0.5:
            picture, label = (
                one.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for one in (picture, label)
            )
        if self.strength == "strong":
            picture, label = self._turned(picture, label)
            for enhancer in _ENHANCERS:
                picture = enhancer(picture).enhance(1 + JITTER * (2 * _draw() - 1))
        finish = {"channels": self.preprocessing["channels"], "resize": None, "crop": None}
        return prepare(np.asarray(picture), finish), np.array(label)

    def _box(self, shape: Sequence[int]) -> tuple[float, float, float, float]:
        """A crop as shares of the picture (left, top, right, bottom), about as wide as the picture is."""
        area = CROP_SCALE[0] + (CROP_SCALE[1] - CROP_SCALE[0]) * _draw()
        low, high = (math.log(ratio) for ratio in CROP_RATIO)
        stretch = math.exp((low + (high - low) * _draw()) / 2)
        width, height = min(1.0, math.sqrt(area) * stretch), min(1.0, math.sqrt(area) / stretch)
        left, top = (1 - width) * _draw(), (1 - height) * _draw()
        return left, top, left + width, top + height

    def _cut(
        self, image: Image.Image, box: Sequence[float], filter_: Image.Resampling
    ) -> Image.Image:
        width, height = image.size
        left, right = box[0] * width, min(box[2] * width, width)
        top, bottom = box[1] * height, min(box[3] * height, height)
        return image.resize(self.size[::-1], filter_, box=(left, top, right, bottom))

    def _turned(self, picture: Image.Image, label: Image.Image) -> tuple[Image.Image, Image.Image]:
        angle = TURN * (2 * _draw() - 1)
        mean = self.preprocessing.get("mean") or [0.5]
        color = [round(255 * value) for value in (list(mean) * 3)[:3]]
        turned = picture.rotate(angle, Image.Resampling.BILINEAR, fillcolor=tuple(color))
        return turned, label.rotate(angle, Image.Resampling.NEAREST, fillcolor=IGNORE)

    def _filter(self) -> Image.Resampling:
        return _FILTERS.get(self.preprocessing["resize"]["interpolation"], Image.Resampling.BICUBIC)


def resized_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A mask at another size (height, width), each pixel the nearest one; uint8."""
    if mask.shape == size:
        return mask
    return np.array(Image.fromarray(mask).resize(size[::-1], Image.Resampling.NEAREST))


def _draw() -> float:
    """A number from 0 to 1 of torch's default generator."""
    import torch

    return float(torch.rand(()))
