# SPDX-License-Identifier: BSD-3-Clause
"""Resampling gives scipy's numbers and keeps tones where they were."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import resample_poly

from lepton_lab.runtime.resample import resample

from .sounds import tone

RATES = [(8000, 16000), (44100, 16000), (48000, 16000), (11025, 16000), (16000, 8000), (7919, 8000)]


@pytest.mark.parametrize(("rate", "wanted"), RATES)
@pytest.mark.parametrize("length", [1, 2, 7, 1000, 12345])
def test_the_values_are_those_of_scipy(rate: int, wanted: int, length: int) -> None:
    noise = np.random.default_rng(length).normal(size=length).astype(np.float32)
    common = math.gcd(rate, wanted)
    expected = resample_poly(noise.astype(np.float64), wanted // common, rate // common)
    found = resample(noise, rate, wanted)
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-6


def test_a_tone_keeps_its_pitch_and_what_is_too_high_goes() -> None:
    mixed = tone(1000, 48000, 1.0) + tone(11000, 48000, 1.0)
    spectrum = np.abs(np.fft.rfft(resample(mixed, 48000, 16000)))
    assert spectrum.argmax() == 1000
    assert spectrum[4000:].max() < spectrum[1000] / 100


def test_the_same_rate_and_no_samples_change_nothing() -> None:
    noise = np.random.default_rng(0).normal(size=50).astype(np.float32)
    assert np.array_equal(resample(noise, 8000, 8000), noise)
    assert resample(noise[:0], 8000, 16000).shape == (0,)
