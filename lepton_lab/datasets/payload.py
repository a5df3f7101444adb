# SPDX-License-Identifier: BSD-3-Clause
"""The contents of a sample, whatever holds them: a file, bytes, a picture or an array.

Evaluation reads pixels exactly as an exported artifact does, through `lepton_lab.runtime`.
Training may read a reduced picture instead: for a photo of twelve megapixels that is many times
faster, and it is what makes a cache of a whole data set fit into memory.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from PIL import Image

from lepton_lab.runtime.decode import ImageError, array_to_rgb, decode_image, describe_image, to_rgb


@runtime_checkable
class Deferred(Protocol):
    """A payload whose bytes are fetched when they are needed (a row of a table on disk)."""

    def fetch(self) -> bytes:
        """The encoded image."""
        ...


Payload: TypeAlias = "bytes | str | os.PathLike[str] | Deferred | Image.Image | np.ndarray"


def pixels(payload: Payload) -> np.ndarray:
    """The whole picture, uint8 (H, W, 3) RGB, upright.

    Raises:
        ImageError: With the reason, when it cannot be decoded.
    """
    source = encoded_source(payload)
    if source is not None:
        return decode_image(source)
    if isinstance(payload, np.ndarray):
        return np.array(
            array_to_rgb(payload)
        )  # a copy: what is cached must not change with the user's array
    return to_rgb(payload)  # type: ignore[arg-type]


def reduced(payload: Payload, shorter: int) -> np.ndarray:
    """The picture made smaller, antialiased, so that its shorter side is at most `shorter` pixels.

    JPEG files are decoded at a half, a quarter or an eighth of their size where that is still large
    enough, which the format allows without visible loss. The result depends on the content and on
    `shorter` alone.

    Returns:
        uint8 (h, w, 3) RGB, upright.
    """
    source = encoded_source(payload)
    image = pixels(payload) if source is None else _decode_near(source, shorter)
    height, width = image.shape[:2]
    if min(height, width) <= shorter:
        return image
    scale = shorter / min(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.array(small)


def encoded(payload: Payload) -> bytes:
    """The original bytes of the file; a PNG made of the pixels where there never was a file."""
    source = encoded_source(payload)
    if isinstance(source, bytes):
        return source
    if source is not None:
        return Path(source).read_bytes()
    stream = io.BytesIO()
    Image.fromarray(pixels(payload)).save(stream, "PNG")
    return stream.getvalue()


def encoded_source(payload: Payload) -> bytes | str | os.PathLike[str] | None:
    """What `decode_image` takes, or None for pixels."""
    if isinstance(payload, (bytes, str, os.PathLike)):
        return payload
    return payload.fetch() if isinstance(payload, Deferred) else None


def thumbnail_pixels(data: bytes, shorter: int) -> np.ndarray:
    """All of the file is read, but a JPEG only at the smallest scale that keeps `shorter`."""
    return _decode_near(data, shorter)


def _decode_near(source: bytes | str | os.PathLike[str], shorter: int) -> np.ndarray:
    """Decode, a JPEG at the smallest of its scales whose shorter side is not below `shorter`."""
    facts = describe_image(source)
    if facts.format not in ("JPEG", "MPO") or min(facts.width, facts.height) < 2 * shorter:
        return decode_image(source)
    opened = io.BytesIO(source) if isinstance(source, bytes) else Path(source)
    with Image.open(opened, formats=("JPEG",)) as image:
        image.draft(None, (shorter, shorter))
        try:
            return to_rgb(image)
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise ImageError("truncated", f"the image is cut short or damaged ({error})") from error


def name_of(payload: Any) -> str:
    """Something to call a payload by in a message."""
    return str(payload) if isinstance(payload, (str, os.PathLike)) else type(payload).__name__
