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

from collections.abc import Sequence

import numpy as np
from PIL import Image

from lepton_lab.datasets.labels.mask import IGNORE
from lepton_lab.datasets.picture_augment import PictureTransform, crop, draw, jittered
from lepton_lab.runtime.image import prepare

CROP_RATIO = (0.8, 1.25)
TURN = 10.0


class MaskTransform(PictureTransform):
    """The function that makes a training input of a picture and its mask; see `PictureTransform`."""

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
        box = crop(CROP_RATIO)
        picture = self._cut(Image.fromarray(image), box, self.filter())
        label = self._cut(Image.fromarray(mask), box, Image.Resampling.NEAREST)
        if self.flip and draw() < 0.5:
            picture, label = (
                one.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for one in (picture, label)
            )
        if self.strength == "strong":
            picture, label = self._turned(picture, label)
            picture = jittered(picture)
        return self.finished(picture), np.array(label)

    def _cut(
        self, image: Image.Image, box: Sequence[float], filter_: Image.Resampling
    ) -> Image.Image:
        width, height = image.size
        left, right = box[0] * width, min(box[2] * width, width)
        top, bottom = box[1] * height, min(box[3] * height, height)
        return image.resize(self.size[::-1], filter_, box=(left, top, right, bottom))

    def _turned(self, picture: Image.Image, label: Image.Image) -> tuple[Image.Image, Image.Image]:
        angle = TURN * (2 * draw() - 1)
        turned = picture.rotate(angle, Image.Resampling.BILINEAR, fillcolor=self.colour())
        return turned, label.rotate(angle, Image.Resampling.NEAREST, fillcolor=IGNORE)


def resized_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A mask at another size (height, width), each pixel the nearest one; uint8."""
    if mask.shape == size:
        return mask
    return np.array(Image.fromarray(mask).resize(size[::-1], Image.Resampling.NEAREST))
