# SPDX-License-Identifier: BSD-3-Clause
"""Clips made in memory for the tests of sounds: tones, and WAV files of any form, written by hand."""

from __future__ import annotations

import struct

import numpy as np


def tone(hertz: float, rate: int = 8000, seconds: float = 0.5, loud: float = 0.5) -> np.ndarray:
    """float32 (n,), a sine."""
    return (loud * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(
        np.float32
    )


def wav(
    samples: np.ndarray, rate: int = 8000, form: str = "s16", extensible: bool = False
) -> bytes:
    """A WAV file of floats in -1..1: form is u8, s16, s24, s32, f32 or f64."""
    values = samples if samples.ndim == 2 else samples[:, None]
    bits, coding = int(form[1:]), 3 if form[0] == "f" else 1
    body = _BODIES[form](values.astype(np.float64))
    block = values.shape[1] * bits // 8
    head = struct.pack(
        "<HHIIHH",
        0xFFFE if extensible else coding,
        values.shape[1],
        rate,
        rate * block,
        block,
        bits,
    )
    if extensible:
        guid = struct.pack("<H", coding) + bytes.fromhex("000000001000800000aa00389b71")
        head += struct.pack("<HHI", 22, bits, 0) + guid
    chunks = b"fmt " + struct.pack("<I", len(head)) + head
    chunks += b"LIST" + struct.pack("<I", 3) + b"abc\0"
    chunks += b"data" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _whole(values: np.ndarray, bits: int) -> np.ndarray:
    half = 1 << (bits - 1)
    return np.clip(np.rint(values * half), -half, half - 1).astype(np.int64)


def _three_bytes(values: np.ndarray) -> bytes:
    return b"".join(int(v).to_bytes(3, "little", signed=True) for v in _whole(values, 24).ravel())


_BODIES = {
    "u8": lambda v: (_whole(v, 8) + 128).astype(np.uint8).tobytes(),
    "s16": lambda v: _whole(v, 16).astype("<i2").tobytes(),
    "s24": _three_bytes,
    "s32": lambda v: _whole(v, 32).astype("<i4").tobytes(),
    "f32": lambda v: v.astype("<f4").tobytes(),
    "f64": lambda v: v.astype("<f8").tobytes(),
}
