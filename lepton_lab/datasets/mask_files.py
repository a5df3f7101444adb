# SPDX-License-Identifier: BSD-3-Clause
"""Files that hold a value per pixel instead of a color: what a mask says, before anyone names the values.

A palette picture says its indexes, a grey one its grey values, a colored one its colors; all become whole
numbers. Masks must not be lossy: a JPEG is taken only where it is plainly black and white.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from lepton_lab.datasets.checking import digest_of
from lepton_lab.runtime.decode import ImageError, describe_image

COLOR = 1 << 24
_LOSSY = ("JPEG", "MPO", "AVIF", "JPEG2000")
_NEAR, _SHARE = 48, 0.98
_MOST_VALUES = 4096


@dataclass(frozen=True)
class MaskFacts:
    """What is known of one mask file.

    Attributes:
        size: Height and width in pixels.
        counts: Value -> number of pixels.
        digest: blake2b of the values.
        lossy: Whether it was a lossy file, read as black and white.
        code: Why it cannot be used, or "".
        reason: The same in words.
    """

    size: tuple[int, int] = (0, 0)
    counts: Mapping[int, int] = field(default_factory=dict)
    digest: bytes = b""
    lossy: bool = False
    code: str = ""
    reason: str = ""


_known: dict[tuple[str, int, int], MaskFacts] = {}


def read_values(path: str | os.PathLike[str]) -> np.ndarray:
    """The value of each pixel, int32 (H, W): palette index or grey value; for colors see `color_value`.

    Raises:
        ImageError: It cannot be read, or it is no mask.
    """
    facts = describe_image(path)
    try:
        with Image.open(Path(path)) as opened:
            opened.load()
            image = ImageOps.exif_transpose(opened) if facts.orientation > 1 else opened
            values = _values(image)
    except ImageError:
        raise
    except Exception as error:  # decoders of damaged bytes raise nearly anything
        raise ImageError("truncated", f"the mask is cut short or damaged ({error})") from error
    return _black_and_white(values, facts.format) if facts.format in _LOSSY else values


def color_value(red: int, green: int, blue: int) -> int:
    """The whole number that stands for a color.

    >>> hex(color_value(128, 64, 128))
    '0x1804080'
    """
    return COLOR | red << 16 | green << 8 | blue


def value_name(value: int) -> str:
    """A value for people.

    >>> value_name(7), value_name(color_value(128, 64, 128))
    ('7', '#804080')
    """
    return f"#{value - COLOR:06x}" if value >= COLOR else str(value)


def look_at(paths: list[Path]) -> list[MaskFacts]:
    """Decode many masks in threads; what cannot be read is told in `code` and `reason`."""
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(_facts, paths))


def _facts(path: Path) -> MaskFacts:
    try:
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns)
        if key not in _known:
            _known[key] = _count(path)
        return _known[key]
    except ImageError as error:
        return MaskFacts(code=error.code, reason=error.reason)
    except OSError as error:
        return MaskFacts(code="unreadable", reason=error.strerror or str(error))


def _count(path: Path) -> MaskFacts:
    values = read_values(path)
    found, counts = np.unique(values, return_counts=True)
    if len(found) > _MOST_VALUES:
        raise ImageError("no-mask", f"it has {len(found)} different values, as a photo has")
    height, width = values.shape
    digest = digest_of(f"{height}x{width}".encode() + values.tobytes())
    lossy = describe_image(path).format in _LOSSY
    return MaskFacts(
        (height, width), dict(zip(found.tolist(), counts.tolist(), strict=True)), digest, lossy
    )


def _values(image: Image.Image) -> np.ndarray:
    if image.mode in ("LA", "La"):
        image = image.getchannel(0)
    if image.mode in ("1", "L", "P") or image.mode.startswith("I"):
        return np.asarray(image).astype(np.int32)
    if image.mode == "F":
        raise ImageError("no-mask", "its pixels are fractions; whole numbers are needed")
    red, green, blue = np.moveaxis(np.asarray(image.convert("RGB")).astype(np.int32), 2, 0)
    grey = np.array_equal(red, green) and np.array_equal(red, blue)
    found: np.ndarray = red if grey else COLOR | red << 16 | green << 8 | blue
    return found


def _black_and_white(values: np.ndarray, kind: str) -> np.ndarray:
    plain = values < COLOR
    near = plain & ((values <= _NEAR) | (values >= 255 - _NEAR))
    if near.mean() < _SHARE:
        raise ImageError("lossy", f"{kind} changes the values of a mask; save masks as PNG")
    return np.where(values >= 128, 255, 0).astype(np.int32)
