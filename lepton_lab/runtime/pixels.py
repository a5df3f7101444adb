# SPDX-License-Identifier: BSD-3-Clause
"""Pixels of any kind to upright 8-bit RGB: one rule for training, evaluation, prediction, export.

Pictures come with an orientation flag, with transparency, as palettes, in 16 bits, in printing
colors. Each has exactly one documented rule here, because a model that saw another rule in training
than in use is wrong without any error:

* the EXIF orientation (1 to 8) is applied;
* of an animation, the first frame counts;
* transparency (alpha channel, palette alpha, a transparent color) is laid over white;
* 16-bit values are scaled from 0..65535 to 0..255, not clipped;
* CMYK, YCbCr, grey and 1-bit are converted by Pillow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from .errors import ImageError

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def to_rgb(image: Image.Image) -> np.ndarray:
    """The pixels of an opened image as uint8 (H, W, 3) RGB, upright.

    Args:
        image: Any Pillow image. Its own position in an animation is left as it was.

    Raises:
        ImageError: "unsupported" for a pixel format that has no honest 8-bit form.
    """
    position = image.tell() if getattr(image, "is_animated", False) else 0
    if position:
        image.seek(0)
    try:
        image.load()
        turn = _UPRIGHT.get(orientation(image))
        upright = image.transpose(turn) if turn is not None else image
        return _convert(upright)
    finally:
        if position:
            image.seek(position)


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 when there is none or its record is damaged.

    Pillow's own method for PNG would decode the picture just to look for a late record, so the
    general one is called.
    """
    try:
        value = Image.Image.getexif(image).get(_ORIENTATION_TAG, 1)
    except Exception:  # the parser of a damaged record may raise nearly anything
        return 1
    return value if value in _UPRIGHT else 1


def array_to_rgb(array: Any) -> np.ndarray:
    """An array of pixels as uint8 (H, W, 3) RGB.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); uint8, or floats in 0..1. The fourth
            channel is alpha and is laid over white.

    Raises:
        ImageError: "empty" for no pixels, "unsupported" for other shapes, types and ranges.

    >>> array_to_rgb(np.array([[0.0, 1.0]])).tolist()
    [[[0, 0, 0], [255, 255, 255]]]
    """
    pixels = np.asarray(array)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4):
        raise ImageError("unsupported", _shape_reason(pixels.shape))
    if pixels.size == 0:
        raise ImageError("empty", f"the array has no pixels (shape {pixels.shape})")
    pixels = _to_uint8(pixels)
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    if pixels.shape[2] == 4:
        return _over_white(Image.fromarray(np.ascontiguousarray(pixels)))
    return np.array(pixels)


def _shape_reason(shape: tuple[int, ...]) -> str:
    shown = " x ".join(map(str, shape)) or "a single number"
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return f"the array is {shown}, channels first; use array.transpose(1, 2, 0)"
    return f"the array is {shown}; height x width, or height x width x 1, 3 or 4 channels is needed"


def _to_uint8(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind != "f":
        raise ImageError("unsupported", f"the pixels are {pixels.dtype}; uint8, or floats in 0..1")
    return _unit_to_uint8(pixels)


def _unit_to_uint8(pixels: np.ndarray) -> np.ndarray:
    """Floats in 0..1 to 0..255, rounded. Others are refused: their range could only be guessed."""
    low, high = float(pixels.min()), float(pixels.max())
    if not (low >= 0 and high <= 1):
        raise ImageError("unsupported", f"float pixels must lie in 0..1; found {low:g} to {high:g}")
    return np.rint(pixels * 255.0).astype(np.uint8)


def _convert(image: Image.Image) -> np.ndarray:
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _grey(_sixteen_bit(np.asarray(image)))
    if image.mode == "F":
        return _grey(_unit_to_uint8(np.asarray(image)))
    try:
        if image.has_transparency_data:
            straight = image.convert("LA") if image.mode == "La" else image
            return _over_white(straight.convert("RGBA"))
        return np.array(image.convert("RGB"))
    except ValueError as error:
        raise ImageError("unsupported", f"pixels of kind {image.mode} have no RGB form") from error


def _sixteen_bit(values: np.ndarray) -> np.ndarray:
    """0..65535 to 0..255, rounded. Pillow hands some 16-bit files over as 32-bit integers."""
    wide = values.astype(np.int64)
    if wide.min() < 0 or wide.max() > 65535:
        found = f"grey values from {wide.min()} to {wide.max()}"
        raise ImageError("unsupported", f"{found}; 16 bits end at 65535")
    return ((wide * 255 + 32767) // 65535).astype(np.uint8)


def _grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[:, :, None], 3, axis=2)


def _over_white(image: Image.Image) -> np.ndarray:
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return np.array(Image.alpha_composite(white, image).convert("RGB"))
