# SPDX-License-Identifier: BSD-3-Clause
"""Random changes to training pictures that leave their class as it is.

    none    exactly what evaluation does light   a random crop of half to all of the picture,
    mirrored half of the time strong  light, then TrivialAugment (Müller and Hutter, arXiv
    2103.10158) and, for one picture in four, a
            random box painted over (Zhong et al., "Random Erasing", arXiv 1708.04896)

Pictures whose class a mirror would change (`flip=False`: digits, letters) and tiny ones are
turned, shifted and scaled a little instead of cropped. All randomness comes from torch's default
generator, which `sampler.seed_sample` seeds for each sample; the pixels therefore depend on
(seed, epoch, index) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image

from lepton_lab.errors import SpecError, did_you_mean
from lepton_lab.runtime.image import prepare

STRENGTHS = ("none", "light", "strong")
TINY = 32
CROP_SCALE = (0.5, 1.0)
CROP_RATIO = (3 / 4, 4 / 3)
ERASE = 0.25


def training_transform(
    strength: str, preprocessing: Mapping[str, Any], flip: bool = True
) -> Callable[[np.ndarray], np.ndarray]:
    """The function that turns a decoded picture into a training input.

    Args:
        strength: "none", "light" or "strong".
        preprocessing: The model's, as `runtime.image.prepare` takes it.
        flip: Whether a mirrored picture keeps its class.

    Returns:
        uint8 (H, W, 3) of any size -> uint8 (h, w, channels); it can be pickled.

    Raises:
        SpecError: There is no such strength.
    """
    if strength not in STRENGTHS:
        raise SpecError(
            f"No augmentation is called '{strength}'.",
            did_you_mean(strength, STRENGTHS) or f"There are: {', '.join(STRENGTHS)}.",
            'augment="light"',
        )
    return TrainingTransform(strength, dict(preprocessing), flip)


class TrainingTransform:
    """See `training_transform`."""

    def __init__(self, strength: str, preprocessing: dict[str, Any], flip: bool) -> None:
        self.strength, self.preprocessing, self.flip = strength, preprocessing, flip
        size = (preprocessing.get("crop") or preprocessing["resize"])["size"]
        self.size = int(size[0]), int(size[1])
        # `prepare` then sees a picture of the final size and only sets its channels.
        self._finish = {"channels": preprocessing["channels"], "resize": None, "crop": None}
        if strength != "none":
            self._build()

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """One training input."""
        if self.strength == "none":
            return prepare(image, self.preprocessing)
        if self.flip and min(image.shape[:2]) >= TINY:
            picture = self._flip(self._crop(Image.fromarray(image)))
        else:
            picture = self._wobble(prepare(image, {**self.preprocessing, "channels": 3}))
        if self.strength == "strong":
            picture = self._erase(self._trivial(picture))
        return prepare(np.asarray(picture), self._finish)

    def __getstate__(self) -> dict[str, Any]:
        return {"strength": self.strength, "preprocessing": self.preprocessing, "flip": self.flip}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def _build(self) -> None:
        from torchvision.transforms import InterpolationMode, v2

        how = InterpolationMode(self.preprocessing["resize"]["interpolation"])
        self._crop = v2.RandomResizedCrop(
            self.size, scale=CROP_SCALE, ratio=CROP_RATIO, interpolation=how, antialias=True
        )
        self._flip = v2.RandomHorizontalFlip(0.5 if self.flip else 0.0)
        self._affine = v2.RandomAffine(degrees=8, translate=(0.08, 0.08), scale=(0.9, 1.1), shear=6)
        mean = list(self.preprocessing.get("mean") or [0.5])
        color = [round(255 * value) for value in (mean * 3 if len(mean) == 1 else mean)]
        self._box = v2.RandomErasing(p=ERASE, scale=(0.02, 0.2), value=color)
        self._trivial = v2.TrivialAugmentWide(interpolation=InterpolationMode.BILINEAR)

    def _wobble(self, image: np.ndarray) -> Image.Image:
        """A mild affine change; what comes in from outside has the color of the picture's edge."""
        import torch
        from torchvision.transforms import InterpolationMode
        from torchvision.transforms.v2 import functional

        picture = Image.fromarray(image)
        values = self._affine.make_params([picture])
        edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        fill = [float(value) for value in np.median(edge, axis=0)]
        mirrored = self.flip and bool(torch.rand(()) < 0.5)
        moved = functional.affine(
            picture, **values, interpolation=InterpolationMode.BILINEAR, fill=fill
        )
        result: Image.Image = functional.horizontal_flip(moved) if mirrored else moved
        return result

    def _erase(self, picture: Image.Image) -> np.ndarray:
        """Now and then paint a box over, in the mean color of the pretraining data."""
        import torch

        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
        erased = self._box(pixels)
        result: np.ndarray = erased.permute(1, 2, 0).contiguous().numpy()
        return result
