# SPDX-License-Identifier: BSD-3-Clause
"""WAV files in the forms that recorders and editors write, read from their chunks.

Python's own `wave` module reads neither floats nor, before 3.12, the extensible header that every
24-bit recorder writes, so the chunks are read here: whole numbers of 8, 16, 24 and 32 bits, floats of
32 and 64. Other codings inside a WAV file (A-law, ADPCM, MP3) are left to the caller.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from .sound_error import SoundError

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
# What a writer that could not go back to its header leaves there.
_UNKNOWN_LENGTH = (0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFF000)


def read_wav(data: bytes) -> tuple[np.ndarray, int, int] | None:
    """The samples of a WAV file.

    Args:
        data: The whole file, beginning with RIFF.

    Returns:
        float32 (n, channels) in -1..1 (floats as they are), samples per second, bits per sample;
        None for a coding that is not read here.

    Raises:
        SoundError: "truncated" for a damaged or cut file.
    """
    form = None
    for name, start, size in _chunks(data):
        if name == b"fmt ":
            form = _form(data[start : start + min(size, 40)])
        elif name == b"data":
            if form is None:
                break
            coding, channels, rate, bits = form
            if (coding, bits) not in _READ:
                return None
            return _samples(data, start, size, channels, rate, (coding, bits)), rate, bits
    lacking = "its form" if form is None else "samples"
    raise SoundError(
        "truncated", f"the WAV file is cut short or damaged (it has no chunk with {lacking})"
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and length of each chunk; each one begins at an even place."""
    place = 12
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        yield name, place + 8, size
        place += 8 + size + size % 2


def _form(chunk: bytes) -> tuple[int, int, int, int]:
    """Coding, channels, rate and bits per sample."""
    if len(chunk) < 16:
        raise SoundError("truncated", "the WAV header is cut short")
    coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if coding == _EXTENSIBLE and len(chunk) >= 26:
        (coding,) = struct.unpack_from("<H", chunk, 24)
    if not channels:
        raise SoundError("truncated", "the WAV header is damaged (0 channels)")
    return coding, channels, rate, bits


def _samples(
    data: bytes, start: int, size: int, channels: int, rate: int, form: tuple[int, int]
) -> np.ndarray:
    width = channels * form[1] // 8
    there = len(data) - start
    if size in _UNKNOWN_LENGTH:
        size = there
    if size > there:
        per_second = max(width * rate, 1)
        found = f"{there / per_second:.2f} s of {size / per_second:.2f} s are there"
        raise SoundError("truncated", f"the WAV file is cut short: {found}")
    count = size // width
    flat = _READ[form](data[start : start + count * width])
    return flat.reshape(count, channels)


def _eight(raw: bytes) -> np.ndarray:
    """8 bits are the only ones without a sign."""
    return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128.0) / 128.0


def _sixteen(raw: bytes) -> np.ndarray:
    return np.frombuffer(raw, "<i2").astype(np.float32) / 32768.0


def _twenty_four(raw: bytes) -> np.ndarray:
    """Each three bytes as the upper ones of four, so that the sign comes along."""
    wide = np.zeros((len(raw) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
    return (wide.view("<i4")[:, 0].astype(np.float64) / 2147483648.0).astype(np.float32)


def _thirty_two(raw: bytes) -> np.ndarray:
    return (np.frombuffer(raw, "<i4").astype(np.float64) / 2147483648.0).astype(np.float32)


def _float(raw: bytes) -> np.ndarray:
    return np.frombuffer(raw, "<f4").astype(np.float32)


def _double(raw: bytes) -> np.ndarray:
    return np.frombuffer(raw, "<f8").astype(np.float32)


_READ = {
    (_PCM, 8): _eight,
    (_PCM, 16): _sixteen,
    (_PCM, 24): _twenty_four,
    (_PCM, 32): _thirty_two,
    (_FLOAT, 32): _float,
    (_FLOAT, 64): _double,
}
