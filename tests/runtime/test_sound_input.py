# SPDX-License-Identifier: BSD-3-Clause
"""Rows of sounds are what transformers' own feature extractors make, at any rate and length."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from transformers import ASTFeatureExtractor, Wav2Vec2FeatureExtractor

from lepton_lab.runtime.errors import BundleError
from lepton_lab.runtime.inputs import preparer
from lepton_lab.runtime.sound import Sound
from lepton_lab.runtime.sound_error import SoundError
from lepton_lab.runtime.sound_input import SoundPreparer

from .sounds import tone, wav

WAVE = {
    "kind": "sound",
    "rate": 16000,
    "samples": 16000,
    "features": {"form": "wave", "normalize": True, "mask": True},
}
FBANK = {
    "kind": "sound", "rate": 16000, "samples": 400 + 1023 * 160,
    "features": {"form": "fbank", "frame": 400, "hop": 160, "fft": 512, "mels": 128, "frames": 1024, "mean": -4.2677393, "std": 2 * 4.5689974},
}  # fmt: skip
PICTURE = {
    "kind": "sound", "rate": 8000, "samples": 8000,
    "features": {"form": "log-mel", "frame": 256, "hop": 80, "mels": 64, "range": 80.0, "mean": -40.0, "std": 20.0},
}  # fmt: skip


@pytest.mark.parametrize("seconds", [0.3, 1.0])
def test_waves_are_those_of_wav2vec2(seconds: float) -> None:
    samples = np.random.default_rng(0).normal(0.1, 0.2, round(16000 * seconds)).astype(np.float32)
    theirs = Wav2Vec2FeatureExtractor(return_attention_mask=True)(
        samples, sampling_rate=16000, padding="max_length", max_length=16000, return_tensors="np"
    )
    row = SoundPreparer(WAVE).prepare((samples, 16000))
    assert np.abs(row["input_values"] - theirs["input_values"][0]).max() < 1e-5
    assert np.array_equal(row["attention_mask"], theirs["attention_mask"][0])


@pytest.mark.parametrize("length", [400, 401, 5000, 16000, 400 + 1023 * 160])
def test_filter_banks_are_those_of_the_spectrogram_transformer(length: int) -> None:
    samples = np.random.default_rng(1).normal(0, 0.2, length).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = ASTFeatureExtractor()(samples, sampling_rate=16000, return_tensors="np")
    row = SoundPreparer(FBANK).prepare((samples, 16000))
    assert row["input_values"].shape == (1024, 128)
    assert np.abs(row["input_values"] - theirs["input_values"][0]).max() < 1e-4


@pytest.mark.parametrize("rule", [WAVE, FBANK, PICTURE])
def test_odd_clips_give_finite_rows_of_one_size(rule: dict[str, object]) -> None:
    ready = preparer(rule)
    clips = [
        wav(np.zeros(1, np.float32)),
        wav(np.zeros(8000, np.float32)),
        wav(np.clip(tone(300, loud=5), -1, 1)),
        wav(tone(300, 8000, 30.0)),
        wav(np.stack([tone(300, 48000), tone(500, 48000)], axis=1), 48000, "s24", True),
        wav(tone(300, 11025), 11025, "f32"),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = [ready.prepare(clip) for clip in clips]
    batch = ready.collate(rows)
    for values in batch.values():
        assert len(values) == len(clips)
        assert np.isfinite(values).all()
    one = ready.collate(rows[:1])
    assert all(np.array_equal(one[name][0], batch[name][0]) for name in one), (
        "a row must not depend on its neighbours"
    )


def test_long_clips_are_cut_in_their_middle() -> None:
    quiet, loud = np.zeros(16000, np.float32), tone(440, 16000, 1.0)
    row = SoundPreparer(WAVE).prepare(Sound(np.concatenate([quiet, loud, quiet]), 16000))
    alone = SoundPreparer(WAVE).prepare(Sound(loud, 16000))
    assert np.array_equal(row["input_values"], alone["input_values"])


def test_the_same_tone_at_two_rates_is_nearly_the_same_row() -> None:
    rows = [
        SoundPreparer(PICTURE).prepare(wav(tone(440, rate, 1.0), rate)) for rate in (8000, 44100)
    ]
    inner = slice(4, -4)
    gap = np.abs(rows[0]["spectrogram"] - rows[1]["spectrogram"])[:, :, inner]
    loud = rows[0]["spectrogram"][:, :, inner] > 0.5
    assert loud.any()
    assert gap[loud].max() < 0.05


def test_both_orders_of_a_pair_are_read_and_a_bare_array_is_refused() -> None:
    ready, samples = SoundPreparer(PICTURE), (tone(440) * 32767).astype(np.int16)
    one, other = ready.prepare((samples, 8000)), ready.prepare((8000, samples))
    assert np.array_equal(one["spectrogram"], other["spectrogram"])
    with pytest.raises(SoundError, match="no sampling rate"):
        ready.prepare(samples)


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(BundleError, match="cochlea"):
        preparer({"kind": "sound", "rate": 1, "samples": 1, "features": {"form": "cochlea"}})


def test_rows_do_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    """The export gate compares prepared rows of two processes bit by bit."""
    (tmp_path / "clip.wav").write_bytes(wav(tone(440, 44100, 2.0), 44100))
    code = (
        "import sys; from lepton_lab.runtime.inputs import preparer; from lepton_lab.runtime.probe import fingerprint\n"
        f"for rule in ({WAVE}, {FBANK}, {PICTURE}): print(fingerprint(preparer(rule).prepare({str(tmp_path / 'clip.wav')!r})))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PATH": "", "OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout
        for threads in ("1", "4")
    }  # fmt: skip
    assert len(found) == 1
