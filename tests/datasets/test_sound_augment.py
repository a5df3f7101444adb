# SPDX-License-Identifier: BSD-3-Clause
"""Augmented sounds depend on their seed alone, stay finite and of one size, and keep what the class needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lepton_lab.datasets.sampler import seed_sample
from lepton_lab.datasets.sound_augment import SoundAugment
from lepton_lab.errors import SpecError
from lepton_lab.randomness import borrowed_generators
from lepton_lab.runtime.sound_input import SoundPreparer
from tests.runtime.sounds import tone
from tests.runtime.test_sound_input import FBANK, PICTURE, WAVE

RULES = pytest.mark.parametrize("rule", [WAVE, FBANK, PICTURE], ids=["wave", "fbank", "log-mel"])


def rows(rule: dict[str, Any], strength: str, samples: np.ndarray, count: int = 20) -> list[Any]:
    change = SoundAugment(strength, SoundPreparer(rule))
    found = []
    with borrowed_generators():
        for index in range(count):
            seed_sample(7, 1, index)
            found.append(change(samples))
    return found


@RULES
@pytest.mark.parametrize("strength", ["light", "strong"])
def test_a_row_depends_on_its_seed_alone(rule: dict[str, Any], strength: str) -> None:
    clip = tone(440, rule["rate"], 0.4)
    kept = clip.copy()
    first, again = rows(rule, strength, clip, 6), rows(rule, strength, clip, 6)
    name = "spectrogram" if rule is PICTURE else "input_values"
    assert all(np.array_equal(a[name], b[name]) for a, b in zip(first, again, strict=True))
    assert len({row[name].tobytes() for row in first}) == 6
    assert np.array_equal(clip, kept)


@RULES
def test_none_is_evaluation(rule: dict[str, Any]) -> None:
    preparer, clip = SoundPreparer(rule), tone(440, rule["rate"], 2.5)
    row = SoundAugment("none", preparer)(preparer.waveform((clip, rule["rate"])))
    wanted = preparer.prepare((clip, rule["rate"]))
    assert all(np.array_equal(row[name], wanted[name]) for name in wanted)


@RULES
@pytest.mark.parametrize("length", [1, 2, 7, 500, 200_000])
def test_clips_of_any_length_give_finite_rows_of_one_size(
    rule: dict[str, Any], length: int
) -> None:
    for clip in (tone(300, rule["rate"], length / rule["rate"]), np.zeros(length, np.float32)):
        wanted = SoundPreparer(rule).prepare((clip, rule["rate"]))
        for row in rows(rule, "strong", clip, 4):
            for name, values in row.items():
                assert values.shape == wanted[name].shape
                assert values.dtype == wanted[name].dtype
                assert np.isfinite(values).all()


def test_long_clips_are_cut_at_random_places() -> None:
    clip = np.repeat(np.array([0.1, 0.2, 0.3, 0.4, 0.5], np.float32), 16000) * np.tile(
        [1, -1], 40000
    )
    rule = {**WAVE, "features": {"form": "wave", "normalize": False, "mask": False}}
    loud = [
        np.abs(row["input_values"]).mean()
        for row in rows(rule, "light", clip.astype(np.float32), 30)
    ]
    assert max(loud) > 3 * min(loud)


def test_pitch_is_left_alone() -> None:
    clip = tone(1000, 16000, 1.0)
    rule = {**WAVE, "features": {"form": "wave", "normalize": False, "mask": False}}
    for row in rows(rule, "strong", clip):
        assert abs(int(np.abs(np.fft.rfft(row["input_values"])).argmax()) - 1000) <= 1


def test_a_mask_ends_where_the_clip_ends() -> None:
    for row in rows(WAVE, "strong", tone(300, 16000, 0.5)):
        end = int(row["attention_mask"].sum())
        assert (row["attention_mask"][:end] == 1).all()
        assert (row["input_values"][end:] == 0).all()
        assert 6000 < end <= 16000


def test_stretches_of_time_and_frequency_are_blanked() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    blank = [(row["spectrogram"][0] == 0) for row in rows(PICTURE, "strong", noise)]
    assert any(one.all(axis=0).any() for one in blank)
    assert any(one.all(axis=1).any() for one in blank)
    assert max(one.mean() for one in blank) < 0.75


def test_an_unknown_strength_is_told() -> None:
    with pytest.raises(SpecError, match="wild"):
        SoundAugment("wild", SoundPreparer(WAVE))
