# SPDX-License-Identifier: BSD-3-Clause
"""Another sampling rate: a polyphase filter with a windowed sinc, in numpy alone.

The filter is that of scipy's `resample_poly` (a Kaiser window with beta 5, ten zero crossings of the
lower rate on each side), so that what is here can be held against a library that many use; the
artifact itself need not bring scipy.
"""

from __future__ import annotations

import functools
import math

import numpy as np

_ZERO_CROSSINGS = 10
_BETA = 5.0


def resample(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """A clip at another rate.

    Args:
        samples: (n,) mono.
        rate: Its samples per second.
        wanted: The samples per second of the result.

    Returns:
        float32 (ceil(n * wanted / rate),).

    >>> resample(np.ones(80, np.float32), 8000, 16000).shape
    (160,)
    """
    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    if up == down or not len(samples):
        return np.ascontiguousarray(samples, np.float32)
    phases, half = _filter(up, down)
    taps = phases.shape[1]
    count = -(-len(samples) * up // down)
    last = (count - 1) * down + half
    padded = np.zeros(taps + max(last // up + 1, len(samples)))
    padded[taps - 1 : taps - 1 + len(samples)] = samples
    windows = np.lib.stride_tricks.sliding_window_view(padded, taps)
    result = np.empty(count, np.float32)
    # Every up-th value of the result uses the same coefficients.
    for first in range(min(up, count)):
        place = first * down + half
        rows = windows[place // up :: down][: -(-(count - first) // up)]
        result[first::up] = rows @ phases[place % up]
    return result


@functools.lru_cache(maxsize=16)
def _filter(up: int, down: int) -> tuple[np.ndarray, int]:
    """Coefficients of each phase, (up, taps) with the latest sample last, and the filter's half length."""
    widest = max(up, down)
    half = _ZERO_CROSSINGS * widest
    place = np.arange(-half, half + 1)
    whole = np.sinc(place / widest) * np.kaiser(2 * half + 1, _BETA)
    whole *= up / whole.sum()
    taps = -(-len(whole) // up)
    full = np.zeros(taps * up)
    full[: len(whole)] = whole
    return np.ascontiguousarray(full.reshape(taps, up).T[:, ::-1]), half
