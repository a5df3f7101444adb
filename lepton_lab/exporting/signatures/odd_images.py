# SPDX-License-Identifier: BSD-3-Clause
"""Awkward pictures made from real ones: what users will send, and validation sets rarely hold.

Each kind stands for one rule of the runtime (orientation, transparency, 16 bits, palettes, printing
colors, animation, extreme shapes). They are made in memory, the same every time.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from lepton_lab.exporting.subject import ExportSample
from lepton_lab.runtime.decode import decode_image

_SIDE = 256
_ORIENTATION_TAG = 0x0112


def odd_images(samples: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """(kind, bytes of a file) for each kind, made from the first samples in turn.

    Args:
        samples: Bytes of images that can be decoded, at least one.
    """
    pictures = [_shrunk(decode_image(data)) for data in samples[:4]]
    return [
        (kind, make(pictures[i % len(pictures)])) for i, (kind, make) in enumerate(_KINDS.items())
    ]


def stand_ins(count: int = 16) -> list[ExportSample]:
    """Generated pictures (smooth waves with noise) with no known class."""
    samples = []
    for index in range(count):
        random = np.random.Generator(np.random.Philox(index))
        height, width = (int(n) for n in random.integers(60, 400, 2))
        y, x = np.mgrid[:height, :width]
        waves = [np.sin(x * a + y * b + c) for a, b, c in random.uniform(0.01, 0.3, (3, 3))]
        pixels = 128 + 80 * np.stack(waves, axis=2) + random.normal(0, 20, (height, width, 3))
        image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        samples.append(ExportSample(f"generated {index}", _save(image, "PNG"), None))
    return samples


def _shrunk(pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels)
    image.thumbnail((_SIDE, _SIDE))
    return image


def _save(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _grey(image: Image.Image) -> bytes:
    return _save(image.convert("L"), "JPEG", quality=90)


def _turned(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[_ORIENTATION_TAG] = 6
    return _save(image.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=90, exif=exif)


def _transparent(image: Image.Image) -> bytes:
    alpha = np.tile(np.linspace(0, 255, image.width).astype(np.uint8), (image.height, 1))
    image = image.copy()
    image.putalpha(Image.fromarray(alpha))
    return _save(image, "PNG")


def _palette(image: Image.Image) -> bytes:
    return _save(image.quantize(64), "PNG", transparency=0)


def _sixteen_bit(image: Image.Image) -> bytes:
    values = np.asarray(image.convert("L")).astype(np.uint16) * 257
    return _save(Image.fromarray(values), "PNG")


def _animated(image: Image.Image) -> bytes:
    frames = [image.transpose(Image.Transpose.ROTATE_180), image.convert("L").convert("RGB")]
    return _save(image, "GIF", save_all=True, append_images=frames)


_KINDS: dict[str, Callable[[Image.Image], bytes]] = {
    "EXIF-rotated JPEG": _turned,
    "RGBA PNG": _transparent,
    "grey JPEG": _grey,
    "CMYK JPEG": lambda image: _save(image.convert("CMYK"), "JPEG", quality=90),
    "16-bit PNG": _sixteen_bit,
    "palette PNG with a transparent color": _palette,
    "animated GIF": _animated,
    "1-bit PNG": lambda image: _save(image.convert("1"), "PNG"),
    "5 x 400 strip": lambda image: _save(image.resize((400, 5)), "PNG"),
    "400 x 5 strip": lambda image: _save(image.resize((5, 400)), "PNG"),
    "3 x 2 pixels": lambda image: _save(image.resize((3, 2)), "PNG"),
    "1 x 1 pixel": lambda image: _save(image.resize((1, 1)), "PNG"),
}
