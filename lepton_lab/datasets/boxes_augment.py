# SPDX-License-Identifier: BSD-3-Clause
"""Random changes to a training picture that move its boxes with it.

    none    exactly what evaluation does
    light   half of the time a crop of half to all of the picture; mirrored half of the time
    strong  light, sometimes the whole picture made smaller on a plain ground, and brightness, contrast
            and saturation changed by up to 30 %

A box that a crop leaves less than three tenths of is gone; a crop that leaves none is drawn again. All
randomness comes from torch's default generator, which `sampler.seed_sample` seeds for each sample.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from lepton_lab.datasets.picture_augment import PictureTransform, Window, crop, draw, jittered
from lepton_lab.runtime.image import prepare

CROP = 0.5
CROP_RATIO = (0.75, 4 / 3)
VISIBLE = 0.3
SHRINK = 0.3
SMALLEST = 0.6
_TRIES = 10
_WHOLE = (0.0, 0.0, 1.0, 1.0)


class BoxTransform(PictureTransform):
    """The function that makes a training input of a picture and its boxes; see `PictureTransform`."""

    def __call__(
        self, image: np.ndarray, corners: np.ndarray, classes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A training input.

        Args:
            image: uint8 (H, W, 3); may be a reduced picture.
            corners: Float (n, 4): left, top, right, bottom as shares of width and height.
            classes: Int (n,).

        Returns:
            uint8 (h, w, channels), and the boxes that are left, as they came.
        """
        if self.strength == "none":
            return prepare(image, self.preprocessing), corners, classes
        window, (corners, classes) = self._window(corners, classes)
        picture = self._cut(Image.fromarray(image), window)
        if self.flip and draw() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            corners = mirrored(corners)
        if self.strength == "strong":
            picture = jittered(picture)
        return self.finished(picture), corners, classes

    def _window(
        self, corners: np.ndarray, classes: np.ndarray
    ) -> tuple[Window, tuple[np.ndarray, np.ndarray]]:
        """What of the picture is shown, as shares of it, and the boxes in it; it may reach beyond the edge."""
        if self.strength == "strong" and draw() < SHRINK:
            window = _larger()
            return window, seen(corners, classes, window)
        if draw() >= CROP:
            return _WHOLE, (corners, classes)
        for _ in range(_TRIES):
            window = crop(CROP_RATIO)
            left = seen(corners, classes, window)
            if len(left[0]) or not len(corners):
                return window, left
        return _WHOLE, (corners, classes)

    def _cut(self, image: Image.Image, window: Window) -> Image.Image:
        """The window of a picture at the model's size; what lies outside has the mean colour of the pretraining."""
        width, height = image.size
        inside = (
            max(window[0], 0.0) * width, max(window[1], 0.0) * height,
            min(window[2], 1.0) * width, min(window[3], 1.0) * height,
        )  # fmt: skip
        spread = window[2] - window[0], window[3] - window[1]
        if max(spread) <= 1.0:
            return image.resize(self.size[::-1], self.filter(), box=inside)
        ground = Image.new("RGB", self.size[::-1], self.colour())
        x, y = (round(-window[i] / spread[i] * self.size[1 - i]) for i in (0, 1))
        small = (max(round(self.size[1] / spread[0]), 1), max(round(self.size[0] / spread[1]), 1))
        ground.paste(image.resize(small, self.filter()), (x, y))
        return ground


def mirrored(corners: np.ndarray) -> np.ndarray:
    """Boxes of a picture mirrored left to right.

    >>> mirrored(np.array([[0.0, 0.5, 0.25, 1.0]])).tolist()
    [[0.75, 0.5, 1.0, 1.0]]
    """
    left, top, right, bottom = corners.T
    return np.stack([1 - right, top, 1 - left, bottom], axis=1).astype(corners.dtype)


def seen(corners: np.ndarray, classes: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """The boxes in a window of the picture, as shares of the window; those that are mostly outside are gone."""
    if not len(corners):
        return corners, classes
    start = np.array([*window[:2], *window[:2]])
    spread = np.array([window[2] - window[0], window[3] - window[1]] * 2)
    moved = (corners - start) / spread
    inside = np.clip(moved, 0, 1)
    kept = _area(inside) >= VISIBLE * _area(moved)
    return inside[kept].astype(corners.dtype), classes[kept]


def _area(corners: np.ndarray) -> np.ndarray:
    area: np.ndarray = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    return area


def _larger() -> Window:
    side = 1 / (SMALLEST + (1 - SMALLEST) * draw())
    left, top = (1 - side) * draw(), (1 - side) * draw()
    return left, top, left + side, top + side
