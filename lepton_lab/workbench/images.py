# SPDX-License-Identifier: BSD-3-Clause
"""An image as a user gave it, with the tensor that a model would get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.datasets.contents.pictures import picture_inputs, thumbnail
from lepton_lab.errors import DataError
from lepton_lab.runtime.image import normalize, prepare

if TYPE_CHECKING:
    import torch

    from lepton_lab.workbench.model import LeptonModel

IMAGENET: dict[str, Any] = {
    "kind": "image",
    "channels": 3,
    "resize": {"mode": "shortest", "size": [256, 256], "interpolation": "bicubic"},
    "crop": {"mode": "center", "size": [224, 224], "fill": 0},
    "rescale": 1 / 255,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
}


@dataclass(frozen=True, eq=False)
class ImageInput:
    """One decoded image, upright and RGB, and the tensor that a model would get.

    Attributes:
        name: File name or a running number.
        pixels: uint8 (H, W, 3).
        preprocessing: How `tensor` is made; ImageNet's usual way unless a model was given. A model always
            derives its own tensor from `pixels`, so a wrong default can never skew a prediction.
    """

    name: str
    pixels: np.ndarray
    preprocessing: Mapping[str, Any] = field(default_factory=lambda: IMAGENET)

    @cached_property
    def array(self) -> np.ndarray:
        """float32 (1, C, H, W), resized, cropped and normalized."""
        return normalize(prepare(self.pixels, self.preprocessing)[None], self.preprocessing)

    @property
    def tensor(self) -> torch.Tensor:
        """`array` as a torch tensor."""
        import torch

        return torch.from_numpy(self.array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.array if dtype is None else self.array.astype(dtype)

    def __repr__(self) -> str:
        height, width = self.pixels.shape[:2]
        return f"{self.name}: {width} x {height} image"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {
            "text/plain": repr(self),
            "text/html": thumbnail(self.pixels, self.name, 160).markup,
        }


def preprocess_image(source: Any, model: LeptonModel | None = None) -> ImageInput:
    """Read one image and show what a model would see of it.

    Args:
        source: Path, bytes, PIL image or uint8 array.
        model: Use this model's own preprocessing for `.tensor`.

    Raises:
        DataError: It cannot be read as an image.
    """
    found = image_inputs(source)
    if len(found) != 1:
        raise DataError(
            f"preprocess_image takes one image; got {len(found)}.", "", "model.predict(images)"
        )
    if model is None:
        return found[0]
    return ImageInput(found[0].name, found[0].pixels, model.preprocessing)


def image_inputs(source: Any) -> list[ImageInput]:
    """All images that `source` stands for, in order. Raises DataError naming what cannot be read."""
    if hasattr(source, "held_out"):
        source = source.held_out
    if hasattr(source, "samples") and hasattr(source, "read"):
        return [ImageInput(sample.id, source.read(i)) for i, sample in enumerate(source)]
    return [ImageInput(name, pixels) for name, pixels in picture_inputs(source)]
