# SPDX-License-Identifier: BSD-3-Clause
"""What users call an image, made one thing: a path, bytes, PIL, an array, a tensor, a list, a data set.

Everything becomes an `ImageInput` that knows its name and its pixels, or an error that says what it was.
"""

from __future__ import annotations

import glob
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.errors import DataError, nearest
from lepton_lab.rendering import Markup, escape
from lepton_lab.runtime.decode import ImageError, array_to_rgb, decode_image, to_rgb
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
    if isinstance(source, ImageInput):
        return [source]
    if hasattr(source, "samples") and hasattr(source, "read"):
        return [ImageInput(sample.id, source.read(i)) for i, sample in enumerate(source)]
    if hasattr(source, "held_out"):
        return image_inputs(source.held_out)
    if isinstance(source, (str, Path)):
        return [_from_file(path) for path in _files(str(source))]
    if isinstance(source, (bytes, bytearray)):
        return [_decoded(bytes(source), "image 1")]
    if hasattr(source, "convert") and hasattr(source, "size"):
        return [ImageInput(getattr(source, "filename", "") or "image 1", to_rgb(source))]
    if hasattr(source, "detach"):
        source = source.detach().cpu().numpy()
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Iterable) and not isinstance(source, Mapping):
        made = [one for item in source for one in image_inputs(item)]
        return [
            ImageInput(f"image {i}" if one.name == "image 1" else one.name, one.pixels)
            for i, one in enumerate(made, 1)
        ]
    raise DataError(
        f"A {type(source).__name__} is no image.",
        "Give a path, bytes, a PIL image, a uint8 array or a list of these.",
    )


def thumbnail(pixels: np.ndarray, name: str, side: int = 96) -> Markup:
    """A small inline picture with its name as alternative text."""
    import base64

    from PIL import Image

    image = Image.fromarray(pixels)
    small = max(image.size) <= side
    if small:
        times = max(side // max(image.size), 1)
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    else:
        image.thumbnail((side, side))
    stream, kind = io.BytesIO(), "png" if small else "jpeg"
    image.save(stream, kind)
    data = base64.b64encode(stream.getvalue()).decode()
    return Markup(
        f'<img alt="{escape(name)}" title="{escape(name)}" src="data:image/{kind};base64,{data}">',
        name,
    )


def _files(text: str) -> list[Path]:
    path = Path(text).expanduser()
    if path.is_dir():
        from lepton_lab.datasets.sources.folder import SUFFIXES

        found = sorted(
            p
            for p in path.rglob("*")
            if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")
        )
        if not found:
            raise DataError(f"There is no image in {path}.")
        return found
    if path.exists():
        return [path]
    matched = sorted(Path(p) for p in glob.glob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns
    if matched:
        return matched
    siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    near = nearest(path.name, siblings)
    raise DataError(
        f"There is no file '{text}'.",
        f"A file with a similar name exists: {path.parent / near[0]}"
        if near
        else f"Looked in {path.absolute().parent}.",
    )


def _from_file(path: Path) -> ImageInput:
    return _decoded(path, str(path))


def _decoded(source: Any, name: str) -> ImageInput:
    try:
        return ImageInput(name, decode_image(source))
    except ImageError as error:
        raise DataError(f"{name} cannot be read as an image.", str(error)) from error


def _from_array(array: np.ndarray) -> list[ImageInput]:
    try:
        if array.ndim == 4:
            return [
                ImageInput(f"image {i}", array_to_rgb(_last(one))) for i, one in enumerate(array, 1)
            ]
        return [ImageInput("image 1", array_to_rgb(_last(array)))]
    except ImageError as error:
        raise DataError(
            f"An array of shape {array.shape} and type {array.dtype} is no image.",
            str(error),
            "Give uint8 (H, W, 3), or float 0..1.",
        ) from error


def _last(array: np.ndarray) -> np.ndarray:
    """Channels last: (C, H, W) is told from (H, W, C) by the axis that is 1, 3 or 4."""
    if array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4):
        return array.transpose(1, 2, 0)
    return array
