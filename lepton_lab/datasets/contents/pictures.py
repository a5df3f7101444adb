# SPDX-License-Identifier: BSD-3-Clause
"""What users call a picture, made one thing: a path, bytes, PIL, an array, a tensor, a list, a data set.

Everything becomes a name with its pixels, or an error that says what it was.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lepton_lab.datasets.contents.paths import files_at
from lepton_lab.errors import DataError
from lepton_lab.rendering import Markup, escape
from lepton_lab.runtime.decode import ImageError, array_to_rgb, decode_image, to_rgb

Named = tuple[str, np.ndarray]


def picture_inputs(source: Any) -> list[Named]:
    """All pictures that `source` stands for, in order: (name, uint8 (H, W, 3)).

    Raises:
        DataError: Names what cannot be read.
    """
    if hasattr(source, "pixels") and hasattr(source, "name"):
        return [(source.name, source.pixels)]
    if isinstance(source, (str, Path)):
        from lepton_lab.datasets.sources.folder import SUFFIXES

        return [_from_file(path) for path in files_at(str(source), SUFFIXES, "image")]
    if isinstance(source, (bytes, bytearray)):
        return [_decoded(bytes(source), "image 1")]
    if hasattr(source, "convert") and hasattr(source, "size"):
        return [(getattr(source, "filename", "") or "image 1", to_rgb(source))]
    if hasattr(source, "detach"):
        source = source.detach().cpu().numpy()
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Iterable) and not isinstance(source, Mapping):
        made = [one for item in source for one in picture_inputs(item)]
        return [
            (f"image {i}" if name == "image 1" else name, pixels)
            for i, (name, pixels) in enumerate(made, 1)
        ]
    raise DataError(
        f"A {type(source).__name__} is no image.",
        "Give a path, bytes, a PIL image, a uint8 array or a list of these.",
    )


def thumbnail(pixels: np.ndarray, name: str, side: int = 96) -> Markup:
    """A small inline picture with its name as alternative text."""
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


def _from_file(path: Path) -> Named:
    return _decoded(path, str(path))


def _decoded(source: Any, name: str) -> Named:
    try:
        return name, decode_image(source)
    except ImageError as error:
        raise DataError(f"{name} cannot be read as an image.", str(error)) from error


def _from_array(array: np.ndarray) -> list[Named]:
    try:
        if array.ndim == 4:
            return [
                (f"image {i}", array_to_rgb(_last(one))) for i, one in enumerate(array, 1)
            ]
        return [("image 1", array_to_rgb(_last(array)))]
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
