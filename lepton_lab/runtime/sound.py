# SPDX-License-Identifier: BSD-3-Clause
"""From the bytes of a sound file to one mono waveform, or to one clear reason why not.

WAV is read here, from its chunks, in the forms that recorders and editors write: 8, 16, 24 and 32 bits,
and floats. Everything else (FLAC, MP3, Ogg, AIFF, compressed WAV) is read by the package `soundfile`
where it is installed. Several channels become one by their mean. What a file cannot answer honestly
(no samples, a header that promises more than is there, values that are no numbers) is refused.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .sound_error import SoundError
from .wav import read_wav

Source: TypeAlias = bytes | str | os.PathLike[str]
FORMATS = ("WAV", "FLAC", "MP3", "OGG", "AIFF")
# 100 million values are about half an hour at 48 kHz, and 400 MB in memory.
MAX_VALUES = 100_000_000
_LARGEST_FILE = 1 << 30
_SIGNATURES = {b"fLaC": "FLAC", b"OggS": "OGG", b"ID3": "MP3", b"RF64": "WAV", b"RIFX": "WAV"}
_FOREIGN = {
    b"<!doctype html": "this is HTML, not a sound",
    b"<html": "this is HTML, not a sound",
    b"version https://git-lfs": "this is a Git LFS pointer; run git lfs pull",
    b"\x1a\x45\xdf\xa3": "this is WebM or Matroska; save it as WAV or FLAC",
    b"\x30\x26\xb2\x75": "this is WMA; save it as WAV or FLAC",
    b"\xff\xd8\xff": "this is a JPEG picture, not a sound",
    b"\x89png": "this is a PNG picture, not a sound",
}


class Sound(NamedTuple):
    """A clip: float32 (n,) mono, about -1 to 1, and its samples per second."""

    samples: np.ndarray
    rate: int


@dataclass(frozen=True)
class SoundFacts:
    """What a file is and holds.

    Attributes:
        seconds: Length of the clip.
        rate: Samples per second.
        channels: As stored.
        bits: Bits of a sample as stored; 0 where the format has none (MP3, Ogg).
        format: "WAV", "FLAC", ...; empty for arrays.
        peak: The largest absolute value of the mono clip.
        clipped: Share of the samples that stand at the end of the scale.
    """

    seconds: float
    rate: int
    channels: int
    bits: int
    format: str
    peak: float
    clipped: float


def decode_sound(source: Source) -> Sound:
    """The clip of a file, mono.

    Args:
        source: The bytes of a file, or its path.

    Raises:
        SoundError: With the code "missing", "empty", "zero-length", "truncated", "not-a-sound",
            "not-finite", "too-large" or "unsupported".
    """
    return inspect_sound(source)[0]


def inspect_sound(source: Source) -> tuple[Sound, SoundFacts]:
    """The clip of a file with the facts about it; raises as `decode_sound` does."""
    name = _name(source)
    try:
        data = _bytes(source)
        kind = _kind(data)
        values, rate, bits = _values(data, kind)
        return _checked(values, rate, bits, kind)
    except SoundError as error:
        raise SoundError(error.code, error.reason, name) from error


def sound_from_array(values: Any, rate: Any) -> Sound:
    """Samples in memory as a clip.

    Args:
        values: (n,) or (n, channels) or (channels, n); floats of about -1 to 1, or whole numbers,
            which are scaled by their type.
        rate: Samples per second.

    Raises:
        SoundError: They are no clip.

    >>> sound_from_array(np.array([0, 16384], np.int16), 8000).samples.tolist()
    [0.0, 0.5]
    """
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[0] < array.shape[1] and array.shape[0] <= 8:
        array = array.T
    if array.ndim not in (1, 2) or array.dtype.kind not in "fiu":
        shown = " x ".join(map(str, array.shape)) or "a single value"
        raise SoundError(
            "unsupported", f"samples or samples x channels are needed, not {shown} of {array.dtype}"
        )
    if isinstance(rate, bool) or not isinstance(rate, (int, np.integer)):
        raise SoundError(
            "unsupported", f"the rate must be a whole number of samples per second, not {rate!r}"
        )
    values = array if array.ndim == 2 else array[:, None]
    if array.dtype.kind == "f":
        return _checked(values.astype(np.float32), int(rate), 32, "")[0]
    half = 2.0 ** (8 * array.dtype.itemsize - 1)
    centre = half if array.dtype.kind == "u" else 0.0
    return _checked(((values - centre) / half).astype(np.float32), int(rate), 0, "")[0]


def is_installed() -> bool:
    """Whether the package that reads the other formats is there."""
    from importlib.util import find_spec

    return find_spec("soundfile") is not None


def _bytes(source: Source) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    path = Path(source)
    try:
        if path.is_file():
            if path.stat().st_size > _LARGEST_FILE:
                raise SoundError(
                    "too-large",
                    f"{path.stat().st_size / 1e9:.1f} GB; files of at most 1 GB are read",
                )
            return path.read_bytes()
        found = "this is a folder" if path.is_dir() else "there is no such file"
    except (OSError, ValueError) as error:
        if isinstance(error, SoundError):
            raise
        found = f"the file cannot be read ({error})"
    raise SoundError("missing", found)


def _kind(data: bytes) -> str:
    """The format by the first bytes."""
    if not data:
        raise SoundError("empty", "the file is empty (0 bytes)")
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "WAV"
    if data[:4] == b"FORM" and data[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF"
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            return kind
    if data[4:8] == b"ftyp":
        raise SoundError("unsupported", "this is MPEG-4 (AAC); save it as WAV or FLAC")
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for signature, reason in _FOREIGN.items():
        if start.startswith(signature):
            raise SoundError("not-a-sound", reason)
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2:
        return "MP3"
    raise SoundError("not-a-sound", f"this is no sound of a kind read here ({', '.join(FORMATS)})")


def _values(data: bytes, kind: str) -> tuple[np.ndarray, int, int]:
    """float32 (n, channels), the rate, and the bits per sample."""
    found = read_wav(data) if data[:4] == b"RIFF" else None
    return found if found is not None else _by_soundfile(data, kind)


def _by_soundfile(data: bytes, kind: str) -> tuple[np.ndarray, int, int]:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        reason = f"this {kind} file is read by the package soundfile: pip install soundfile"
        raise SoundError("unsupported", reason) from error
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.frames * file.channels > MAX_VALUES:
                raise _too_large(file.frames, file.channels)
            values = file.read(dtype="float32", always_2d=True)
            bits = (
                int("".join(filter(str.isdigit, file.subtype)) or 0) if "PCM" in file.subtype else 0
            )
            promised, rate = file.frames, file.samplerate
    except soundfile.LibsndfileError as error:
        reason = f"the {kind} file is cut short or damaged ({error.error_string})"
        raise SoundError("truncated", reason) from error
    if len(values) < promised:
        raise SoundError(
            "truncated",
            f"cut short: {len(values) / rate:.2f} s of {promised / rate:.2f} s are there",
        )
    return values, int(rate), bits


def _checked(values: np.ndarray, rate: int, bits: int, kind: str) -> tuple[Sound, SoundFacts]:
    """Mono, with what can be told of it."""
    if not 100 <= rate <= 1_000_000:
        raise SoundError("unsupported", f"{rate} samples per second is no rate of a sound")
    if not values.size:
        raise SoundError("zero-length", "the clip has no samples (0 s)")
    if values.size > MAX_VALUES:
        raise _too_large(*values.shape)
    # Opposite infinities in two channels would warn about their mean; they are looked for first.
    wrong = int((~np.isfinite(values)).any(axis=1).sum())
    if wrong:
        raise SoundError(
            "not-finite", f"{wrong} of {len(values)} samples are no numbers (NaN or infinite)"
        )
    full = 1.0 - 2.0 / (1 << min(bits, 16)) if bits > 0 else 1.0 - 2.0 / (1 << 16)
    samples = values[:, 0] if values.shape[1] == 1 else values.mean(axis=1, dtype=np.float64)
    facts = SoundFacts(
        seconds=len(values) / rate,
        rate=rate,
        channels=values.shape[1],
        bits=bits,
        format=kind,
        peak=float(np.abs(samples).max()),
        clipped=float((np.abs(values) >= full).mean()),
    )
    return Sound(np.ascontiguousarray(samples, np.float32), rate), facts


def _too_large(frames: int, channels: int) -> SoundError:
    found = f"{frames} samples in {channels} channels"
    return SoundError(
        "too-large", f"{found}; at most {MAX_VALUES // 1_000_000} million values are read"
    )


def _name(source: Source) -> str:
    """The name for a message; bytes of a file name that are no text are replaced."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return ""
    return os.fsencode(source).decode("utf-8", "replace")
