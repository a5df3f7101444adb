# SPDX-License-Identifier: BSD-3-Clause
"""Log-mel spectrograms in numpy: what a picture of a sound is for a model.

Two kinds: the filter banks of Kaldi, as the Audio Spectrogram Transformer was trained with (the values
of transformers' ASTFeatureExtractor), and a plain log-mel spectrogram in decibels below the loudest
point (the values of librosa's `melspectrogram` and `power_to_db`), for networks that see it as a picture.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

_FLOOR = 1e-10
_KALDI_FLOOR = 1.192092955078125e-07
_PREEMPHASIS = 0.97
_KALDI_LOWEST = 20.0
# The mel scale of Slaney's Auditory Toolbox: straight up to 1 kHz, logarithmic from there.
_BREAK, _BREAK_MEL, _STEP = 1000.0, 15.0, 27.0 / np.log(6.4)


def filter_banks(samples: np.ndarray, rate: int, rule: Mapping[str, Any]) -> np.ndarray:
    """Kaldi's log filter banks.

    Args:
        samples: float32 (n,), at least one frame long.
        rate: Samples per second.
        rule: "frame", "hop" and "fft" in samples, and "mels".

    Returns:
        float32 (frames, mels).
    """
    frames = _frames(samples.astype(np.float64), rule["frame"], rule["hop"])
    frames = frames - frames.mean(axis=1, keepdims=True)
    frames[:, 1:] -= _PREEMPHASIS * frames[:, :-1]
    frames[:, 0] *= 1.0 - _PREEMPHASIS
    power = _power(frames * np.hanning(rule["frame"]), rule["fft"])
    mel = power @ _kaldi_filters(rate, rule["fft"], rule["mels"])
    found: np.ndarray = np.log(np.maximum(mel, _KALDI_FLOOR)).astype(np.float32)
    return found


def log_mel(samples: np.ndarray, rate: int, rule: Mapping[str, Any]) -> np.ndarray:
    """A mel spectrogram in decibels below its loudest point; silence is 0 everywhere.

    Args:
        samples: float32 (n,), longer than half a frame.
        rate: Samples per second.
        rule: "frame" and "hop" in samples, "mels", and "range": what lies further below is cut off, dB.

    Returns:
        float32 (mels, frames) in -range..0; frames are centred, n // hop + 1 of them.
    """
    frame = rule["frame"]
    padded = np.pad(samples.astype(np.float64), frame // 2, mode="reflect")
    # A periodic window: the first of the n + 1 values of a symmetric one is left out at its end.
    frames = _frames(padded, frame, rule["hop"]) * np.hanning(frame + 1)[:-1]
    mel = np.maximum(_power(frames, frame) @ _slaney_filters(rate, frame, rule["mels"]), _FLOOR)
    level = 10.0 * np.log10(mel / mel.max())
    found: np.ndarray = np.maximum(level, -float(rule["range"])).T.astype(np.float32)
    return found


def _frames(samples: np.ndarray, length: int, hop: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(samples, length)[::hop]


def _power(frames: np.ndarray, fft: int) -> np.ndarray:
    found: np.ndarray = np.abs(np.fft.rfft(frames, fft, axis=1)) ** 2
    return found


@functools.lru_cache(maxsize=8)
def _kaldi_filters(rate: int, fft: int, mels: int) -> np.ndarray:
    """(fft / 2 + 1, mels): triangles on the mel scale itself."""

    def mel(hertz: Any) -> Any:
        return 1127.0 * np.log(1.0 + np.asarray(hertz) / 700.0)

    edges = np.linspace(mel(_KALDI_LOWEST), mel(rate // 2), mels + 2)
    return _triangles(mel(rate / fft * np.arange(fft // 2 + 1)), edges)


@functools.lru_cache(maxsize=8)
def _slaney_filters(rate: int, fft: int, mels: int) -> np.ndarray:
    """(fft / 2 + 1, mels): triangles in hertz, each of the same area."""
    top = (
        _BREAK_MEL + np.log(rate / 2 / _BREAK) * _STEP if rate > 2 * _BREAK else rate / 2 * 3 / 200
    )
    marks = np.linspace(0.0, top, mels + 2)
    above = _BREAK * np.exp((np.maximum(marks, _BREAK_MEL) - _BREAK_MEL) / _STEP)
    edges = np.where(marks < _BREAK_MEL, marks * 200 / 3, above)
    filters = _triangles(np.linspace(0, rate // 2, fft // 2 + 1), edges)
    found: np.ndarray = filters * (2.0 / (edges[2:] - edges[:-2]))
    return found


def _triangles(places: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(places, len(edges) - 2): each rises from one edge to the next and falls to the one after."""
    rising = (places[:, None] - edges[None, :-2]) / np.diff(edges)[:-1]
    falling = (edges[None, 2:] - places[:, None]) / np.diff(edges)[1:]
    found: np.ndarray = np.maximum(0.0, np.minimum(rising, falling))
    return found
