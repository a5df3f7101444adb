# SPDX-License-Identifier: BSD-3-Clause
"""From pixels to the tensor a model expects, driven by plain data.

A pretrained model works only with the preprocessing it was trained with. That preprocessing is
stored as JSON beside the model and is carried out here, with Pillow alone, pixel for pixel as timm
and torchvision do it: the same interpolation, the same rounding of sizes, the same crop offsets.
Training, evaluation, prediction, the export and the exported artifact all call these two functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from .errors import ImageError

# Above this many pixels the resized picture is not made whole: only the part that the crop keeps.
_LARGEST_RESIZE = 1 << 25
_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def prepare(image: np.ndarray, preprocessing: Mapping[str, Any]) -> np.ndarray:
    """Resize and crop one image as the model's preprocessing says.

    Args:
        image: uint8 (H, W, 3) RGB, upright, as `decode_image` returns it.
        preprocessing: Keys "channels", "resize" (mode, size, interpolation) and "crop" (mode, size,
            fill); either of the last two may be None.

    Returns:
        uint8 (h, w, channels).

    Raises:
        ImageError: "unsupported" when the model wants other than 1 or 3 channels.

    >>> resize = {"mode": "shortest", "size": [4, 4], "interpolation": "bicubic"}
    >>> rule = {"channels": 3, "resize": resize, "crop": {"mode": "center", "size": [2, 2]}}
    >>> prepare(np.full((8, 16, 3), 7, np.uint8), rule).shape
    (2, 2, 3)
    """
    *_, (_, pixels) = steps(image, preprocessing)
    return pixels


def steps(
    image: np.ndarray, preprocessing: Mapping[str, Any]
) -> Iterator[tuple[str, np.ndarray]]:
    """The steps of `prepare` with what each of them makes: "resize" and "crop", uint8 (h, w, channels)."""
    picture = _channels(image, preprocessing["channels"])
    crop = preprocessing.get("crop")
    resize = preprocessing.get("resize")
    if resize:
        height, width = resized_size(image.shape[:2], resize)
        filter_ = _RESAMPLING[resize["interpolation"]]
        if crop and height * width > _LARGEST_RESIZE:
            picture = _resize_kept_part(picture, (height, width), crop["size"], filter_)
        elif (height, width) != image.shape[:2]:
            picture = picture.resize((width, height), filter_)
    pixels = np.asarray(picture)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    yield "resize", pixels
    yield "crop", np.array(_crop(pixels, crop["size"], crop.get("fill", 0)) if crop else pixels)


def normalize(batch: np.ndarray, preprocessing: Mapping[str, Any]) -> np.ndarray:
    """`(x * rescale - mean) / std`, channels first.

    Args:
        batch: uint8 (N, h, w, C).
        preprocessing: Keys "rescale", "mean" and "std" (one value per channel).

    Returns:
        float32 (N, C, h, w).
    """
    scaled = batch.astype(np.float32) * np.float32(preprocessing["rescale"])
    mean = np.asarray(preprocessing["mean"], np.float32)
    std = np.asarray(preprocessing["std"], np.float32)
    return np.ascontiguousarray(((scaled - mean) / std).transpose(0, 3, 1, 2))


def resized_size(size: Sequence[int], resize: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width after the resize step, rounded as torchvision and timm round them.

    Args:
        size: Height and width of the image.
        resize: "mode" and "size" of the preprocessing.

    >>> resized_size((97, 180), {"mode": "shortest", "size": [224, 224]})
    (224, 415)
    """
    height, width = int(size[0]), int(size[1])
    to_height, to_width = (int(side) for side in resize["size"])
    if resize["mode"] == "exact":
        return to_height, to_width
    if resize["mode"] == "shortest" and to_height == to_width:
        if width <= height:
            return int(to_height * height / width), to_height
        return to_height, int(to_height * width / height)
    ratios = height / to_height, width / to_width
    ratio = max(ratios) if resize["mode"] == "longest" else min(ratios)
    return max(1, round(height / ratio)), max(1, round(width / ratio))


def _channels(image: np.ndarray, channels: int) -> Image.Image:
    if channels not in (1, 3):
        reason = f"the model wants {channels} channels; a picture gives 1 or 3"
        raise ImageError("unsupported", reason)
    picture = Image.fromarray(np.ascontiguousarray(image))
    return picture.convert("L") if channels == 1 else picture


def _crop(pixels: np.ndarray, size: Sequence[int], fill: Any) -> np.ndarray:
    """Center crop; a side that is too short is first padded, the odd pixel after the picture."""
    height, width = pixels.shape[:2]
    to_height, to_width = (int(side) for side in size)
    if height < to_height or width < to_width:
        full = max(height, to_height), max(width, to_width)
        top, left = (full[0] - height) // 2, (full[1] - width) // 2
        padded = np.empty((*full, pixels.shape[2]), np.uint8)
        padded[:] = np.asarray(fill, np.uint8)
        padded[top : top + height, left : left + width] = pixels
        pixels, (height, width) = padded, full
    # Python rounds halves to even, and so do torchvision's offsets.
    top, left = round((height - to_height) / 2.0), round((width - to_width) / 2.0)
    return pixels[top : top + to_height, left : left + to_width]


def _resize_kept_part(
    picture: Image.Image, full: tuple[int, int], keep: Sequence[int], filter_: Image.Resampling
) -> Image.Image:
    """Resize only the middle that a center crop will keep, for pictures like a 5000 x 1 strip.

    Whole, such a picture would have a side of millions of pixels. The kept part is at most as large
    as the crop, so that the crop that follows only pads it, if anything.
    """
    kept, box = [], []
    for whole, wanted, source in zip(full, keep, picture.size[::-1], strict=True):
        start = round((whole - int(wanted)) / 2.0) if whole > int(wanted) else 0
        length = min(whole, int(wanted))
        kept.append(length)
        box.append((start * source / whole, (start + length) * source / whole))
    (top, bottom), (left, right) = box
    return picture.resize((kept[1], kept[0]), filter_, box=(left, top, right, bottom))
