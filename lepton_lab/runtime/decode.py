# SPDX-License-Identifier: BSD-3-Clause
"""From the bytes of a file to pixels, or to one clear reason why not.

A header is always read before any pixel: a file that declares more pixels than allowed is refused
before memory is spent on it. Only common picture formats are opened; Pillow knows more, but some of
those start other programs or have no signature. Damage that decoders report in a dozen ways
becomes one `ImageError` with a code.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from PIL import Image, ImageFile

from .errors import ImageError
from .pixels import array_to_rgb, orientation, to_rgb

__all__ = [
    "MAX_PIXELS",
    "ImageError",
    "ImageFacts",
    "array_to_rgb",
    "decode_image",
    "describe_image",
    "to_rgb",
]

Source: TypeAlias = bytes | str | os.PathLike[str]
MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
_FOREIGN = {
    b"<!doctype html": "this is HTML, not an image",
    b"<html": "this is HTML, not an image",
    b"<svg": "this is SVG, a drawing; save it as PNG",
    b"<?xml": "this is XML, not an image",
    b"%pdf": "this is PDF, not an image",
    b"version https://git-lfs": "this is a Git LFS pointer; run git lfs pull",
}


@dataclass(frozen=True)
class ImageFacts:
    """What the header of an image says.

    Attributes:
        width: Pixels, as shown upright (what `decode_image` returns).
        height: Pixels, as shown upright.
        mode: Pillow's name of the stored pixel format ("RGB", "CMYK", "P", "I;16", ...).
        format: "JPEG", "PNG", ...
        frames: 1, or the number of frames of an animation.
        orientation: The EXIF orientation, 1 to 8; 1 is upright.
        bits: Bits per channel as stored.
    """

    width: int
    height: int
    mode: str
    format: str
    frames: int
    orientation: int
    bits: int


def decode_image(source: Source, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The pixels of an image as uint8 (H, W, 3) RGB, upright (see `pixels` for the rules).

    Args:
        source: The bytes of a file, or its path.
        max_pixels: The largest width x height that is decoded.

    Raises:
        ImageError: With the code "missing", "empty", "truncated", "not-an-image", "too-large" or
            "unsupported".
    """
    with _opened(source, max_pixels) as image:
        try:
            return to_rgb(image)
        except ImageError as error:
            raise ImageError(error.code, error.reason, _name(source)) from error
        except Exception as error:  # decoders of hostile bytes raise nearly anything
            found = f"the image is cut short or damaged ({error})"
            raise ImageError("truncated", found, _name(source)) from error


def describe_image(source: Source, *, max_pixels: int = MAX_PIXELS) -> ImageFacts:
    """Size, kind and orientation of an image from its header; no pixel is decoded.

    Args:
        source: The bytes of a file, or its path.
        max_pixels: The largest width x height that is accepted.

    Raises:
        ImageError: As `decode_image` does, except for damage behind the header.
    """
    with _opened(source, max_pixels) as image:
        turned = orientation(image)
        # Pillow already swaps the sides of a turned TIFF.
        width, height = image.size if turned < 5 or image.format == "TIFF" else image.size[::-1]
        kind, frames, bits = image.format or "", _frames(image), _bits(image)
        return ImageFacts(width, height, image.mode, kind, frames, turned, bits)


@contextmanager
def _opened(source: Source, max_pixels: int) -> Iterator[ImageFile.ImageFile]:
    name = _name(source)
    with _stream(source) as stream:
        image = _open(stream, name)
        if image.width * image.height > max_pixels:
            found = f"{image.width} x {image.height} pixels"
            limit = f"at most {max_pixels / 1e6:g} million are decoded"
            raise ImageError("too-large", f"{found}; {limit}", name)
        yield image


def _stream(source: Source) -> BinaryIO:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source)
    path = Path(source)
    try:
        if path.is_file():
            return path.open("rb")
        found = "this is a folder" if path.is_dir() else "there is no such file"
    except (OSError, ValueError) as error:
        found = f"the file cannot be read ({error})"
    raise ImageError("missing", found, _name(source))


def _open(stream: BinaryIO, name: str) -> ImageFile.ImageFile:
    """Pillow's `Image.open` without its own size check.

    That check warns on standard error between 89 and 179 million pixels and raises above; the limit
    here is the caller's. Silencing the warning instead would touch the filters of all threads.
    """
    head = stream.read(64)
    if not head:
        raise ImageError("empty", "the file is empty (0 bytes)", name)
    Image.init()
    for kind in FORMATS:
        factory, accepts = Image.OPEN.get(kind, (None, None))
        answer = accepts(head[:16]) if factory is not None and accepts is not None else False
        if isinstance(answer, str):
            raise ImageError("unsupported", answer, name)
        if not answer or factory is None:
            continue
        stream.seek(0)
        try:
            return factory(stream, "")
        except Exception as error:  # as above
            found = f"the {kind} header is cut short or damaged ({error})"
            raise ImageError("truncated", found, name) from error
    raise _foreign(head, name)


def _foreign(head: bytes, name: str) -> ImageError:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for signature, reason in _FOREIGN.items():
        if start.startswith(signature):
            return ImageError("not-an-image", reason, name)
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"heim"):
        return ImageError("unsupported", "this is HEIC; save it as JPEG or PNG", name)
    kinds = ", ".join(FORMATS)
    return ImageError("not-an-image", f"this is no image of a kind read here ({kinds})", name)


def _frames(image: ImageFile.ImageFile) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # a damaged chain of frames; the first one may still be whole
        return 1


def _bits(image: ImageFile.ImageFile) -> int:
    if any("16" in str(tile[3]) for tile in image.tile):
        return 16
    return {"1": 1, "I": 32, "F": 32}.get(image.mode, 16 if image.mode.startswith("I;16") else 8)


def _name(source: Source) -> str:
    """The name for a message; bytes of a file name that are no text are replaced."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return ""
    return os.fsencode(source).decode("utf-8", "replace")
