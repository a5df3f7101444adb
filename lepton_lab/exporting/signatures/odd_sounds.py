# SPDX-License-Identifier: BSD-3-Clause
"""Awkward clips made from real ones: what users will send, and validation sets rarely hold.

Each kind stands for one rule of the runtime (bits, floats, channels, rates, lengths, silence). They are
made in memory, the same every time. What has no answer (an empty file, a clip without samples, values
that are no numbers) is none of them: the runtime refuses it before the model is asked.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np

from lepton_lab.exporting.subject import ExportSample
from lepton_lab.runtime.resample import resample
from lepton_lab.runtime.sound import Sound, decode_sound

_FLOATS, _WHOLE = 3, 1


def odd_sounds(samples: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """(kind, bytes of a file) for each kind, made from the first clips in turn.

    Args:
        samples: Bytes of clips that can be decoded, at least one.
    """
    clips = [decode_sound(data) for data in samples[:4]]
    return [(kind, make(clips[i % len(clips)])) for i, (kind, make) in enumerate(_KINDS.items())]


def stand_ins(count: int = 16) -> list[ExportSample]:
    """Generated clips (gliding tones with noise, of a quarter to two seconds) with no known class."""
    found = []
    for index in range(count):
        random = np.random.Generator(np.random.Philox(index))
        rate = (8000, 16000, 44100)[index % 3]
        time = np.arange(int(rate * random.uniform(0.25, 2.0))) / rate
        start, end = random.uniform(100, 2000, 2)
        glide = np.sin(2 * np.pi * (start * time + (end - start) * time**2 / (2 * time[-1])))
        noisy = glide * random.uniform(0.1, 0.7) + random.normal(0, 0.02, len(time))
        found.append(ExportSample(f"generated {index}", wav(noisy, rate), None))
    return found


def wav(samples: np.ndarray, rate: int, bits: int = 16, coding: int = _WHOLE) -> bytes:
    """A WAV file.

    Args:
        samples: (n,) or (n, channels) in -1..1.
        rate: Samples per second.
        bits: 8, 16, 24 or 32.
        coding: 1 for whole numbers, 3 for floats.
    """
    values = samples if samples.ndim == 2 else samples[:, None]
    body = values.astype("<f4").tobytes() if coding == _FLOATS else _whole(values, bits)
    block = values.shape[1] * bits // 8
    form = struct.pack("<HHIIHH", coding, values.shape[1], rate, rate * block, block, bits)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _whole(values: np.ndarray, bits: int) -> bytes:
    half = 1 << (bits - 1)
    scaled = np.clip(np.rint(values.astype(np.float64) * half), -half, half - 1).astype(np.int64)
    if bits == 8:
        return (scaled + half).astype(np.uint8).tobytes()
    wide = scaled.astype("<i8").view(np.uint8).reshape(*scaled.shape, 8)
    return np.ascontiguousarray(wide[..., : bits // 8]).tobytes()


def _at(clip: Sound, rate: int) -> np.ndarray:
    return resample(clip.samples, clip.rate, rate)


def _stereo(clip: Sound) -> bytes:
    left = _at(clip, 48_000)
    return wav(np.stack([left, 0.5 * left[::-1]], axis=1), 48_000)


def _long(clip: Sound) -> bytes:
    times = -(-40 * clip.rate // max(len(clip.samples), 1))
    return wav(np.tile(clip.samples, times), clip.rate)


_KINDS: dict[str, Callable[[Sound], bytes]] = {
    "8 bits": lambda clip: wav(clip.samples, clip.rate, 8),
    "24 bits": lambda clip: wav(clip.samples, clip.rate, 24),
    "32 bits": lambda clip: wav(clip.samples, clip.rate, 32),
    "floats beyond the scale": lambda clip: wav(clip.samples * 4, clip.rate, 32, _FLOATS),
    "overdriven": lambda clip: wav(clip.samples * 20, clip.rate),
    "hardly to be heard": lambda clip: wav(clip.samples * 0.001, clip.rate),
    "8 kHz": lambda clip: wav(_at(clip, 8000), 8000),
    "11.025 kHz": lambda clip: wav(_at(clip, 11_025), 11_025),
    "48 kHz stereo": _stereo,
    "40 seconds": _long,
    "silence": lambda clip: wav(np.zeros(clip.rate // 2), clip.rate),
    "one sample": lambda clip: wav(clip.samples[:1], clip.rate),
}
