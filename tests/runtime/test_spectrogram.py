# SPDX-License-Identifier: BSD-3-Clause
"""Spectrograms have the values of the libraries that the models were trained with."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from transformers import audio_utils

from lepton_lab.runtime.spectrogram import log_mel

from .sounds import tone


@pytest.mark.parametrize(("rate", "frame"), [(8000, 256), (16000, 512), (32000, 1024)])
@pytest.mark.parametrize("kind", ["noise", "tone", "one click"])
def test_log_mel_is_that_of_transformers_and_librosa(rate: int, frame: int, kind: str) -> None:
    samples = {
        "noise": np.random.default_rng(0).normal(0, 0.1, rate).astype(np.float32),
        "tone": tone(440, rate, 1.0),
        "one click": np.eye(1, rate, 500, dtype=np.float32)[0],
    }[kind]
    bank = audio_utils.mel_filter_bank(
        frame // 2 + 1, 64, 0.0, rate / 2, rate, norm="slaney", mel_scale="slaney"
    )
    power = audio_utils.spectrogram(
        samples,
        audio_utils.window_function(frame, "hann"),
        frame,
        rate // 100,
        power=2.0,
        mel_filters=bank,
        log_mel=None,
    )
    wanted = audio_utils.power_to_db(power, reference=power.max(), db_range=80.0)
    found = log_mel(samples, rate, {"frame": frame, "hop": rate // 100, "mels": 64, "range": 80.0})
    assert found.shape == wanted.shape == (64, 101)
    assert np.abs(found - wanted).max() < 1e-3
    assert (bank.max(axis=0) > 0).all(), "a mel filter that no frequency reaches"


def test_loudness_does_not_matter_and_silence_is_flat() -> None:
    rule = {"frame": 256, "hop": 80, "mels": 64, "range": 80.0}
    loud, soft = (log_mel(tone(440, 8000, 0.5, level), 8000, rule) for level in (0.9, 0.09))
    assert np.abs(loud - soft).max() < 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        silent = log_mel(np.zeros(4000, np.float32), 8000, rule)
    assert (silent == 0).all()


def test_a_higher_tone_is_in_a_higher_row() -> None:
    rule = {"frame": 512, "hop": 160, "mels": 64, "range": 80.0}
    rows = [
        log_mel(tone(hertz, 16000), 16000, rule).mean(axis=1).argmax() for hertz in (200, 800, 3000)
    ]
    assert rows == sorted(rows)
    assert len(set(rows)) == 3
