# SPDX-License-Identifier: BSD-3-Clause
"""The odd clips of the export gate are what they claim to be, and its independent check sees a wrong rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lepton_lab.catalog import audio_models
from lepton_lab.catalog.folder import read_folder
from lepton_lab.exporting.signatures import signatures
from lepton_lab.exporting.signatures.odd_sounds import odd_sounds, stand_ins
from lepton_lab.exporting.subject import Subject
from lepton_lab.runtime.inputs import preparer
from lepton_lab.runtime.sound import inspect_sound
from lepton_lab.spec import ModelSpec
from tests.catalog.tiny_sounds import spectrogram_transformer, wav2vec2
from tests.runtime.sounds import tone, wav

SIGNATURE = signatures.get("audio-classification")
CLIPS = [wav(tone(300, 16000, 0.4), 16000), wav(tone(500, 8000, 0.3))]


def test_odd_clips_are_what_they_claim_to_be() -> None:
    odd = {kind: inspect_sound(data) for kind, data in odd_sounds(CLIPS)}
    assert (odd["24 bits"][1].bits, odd["8 bits"][1].bits) == (24, 8)
    assert (odd["48 kHz stereo"][1].channels, odd["48 kHz stereo"][1].rate) == (2, 48000)
    assert odd["8 kHz"][1].rate == 8000
    assert odd["floats beyond the scale"][1].peak > 1
    assert odd["overdriven"][1].clipped > 0.5
    assert odd["silence"][1].peak == 0
    assert len(odd["one sample"][0].samples) == 1
    assert 40 <= odd["40 seconds"][1].seconds < 41
    assert [data for _, data in odd_sounds(CLIPS)] == [data for _, data in odd_sounds(CLIPS)]


def test_stand_ins_have_no_class_and_several_rates() -> None:
    found = stand_ins()
    assert {sample.target for sample in found} == {None}
    assert len({inspect_sound(sample.data)[0].rate for sample in found}) == 3


@pytest.fixture
def banks(tmp_path: Path) -> Subject:
    folder = spectrogram_transformer(tmp_path / "banks")
    built = audio_models.build(read_folder(folder), ModelSpec(str(folder)), None, 0)
    return Subject(built, "audio-classification", "banks")


def test_the_independent_check_agrees_and_sees_a_wrong_rule(banks: Subject, tmp_path: Path) -> None:
    assert SIGNATURE.independent_check(banks, CLIPS) == ""
    folder = wav2vec2(tmp_path / "waves", mask=True)
    waves = audio_models.build(read_folder(folder), ModelSpec(str(folder)), None, 0)
    assert SIGNATURE.independent_check(replace(banks, built=waves), CLIPS) == ""
    for part, wrong in (("mean", -3.9), ("hop", 161), ("mels", 32)):
        rule = banks.built.preprocessing
        features = {**rule["features"], part: wrong}
        other = replace(banks.built, preprocessing={**rule, "features": features})
        said = SIGNATURE.independent_check(replace(banks, built=other), CLIPS)
        assert bool(said) == (features != rule["features"])
    features = {**waves.preprocessing["features"], "normalize": False}
    other = replace(waves, preprocessing={**waves.preprocessing, "features": features})
    assert "differs" in SIGNATURE.independent_check(replace(banks, built=other), CLIPS)


def test_the_tolerance_is_far_below_a_mistake(banks: Subject) -> None:
    """A model that was given waves without their normalization is not within it."""
    rule = banks.built.preprocessing
    compute = SIGNATURE.compute(banks.built.module.eval(), rule)
    head: Any = banks.built.module.model.classifier.dense
    torch.nn.init.normal_(head.weight)
    wrong = preparer(
        {**rule, "features": {**rule["features"], "mean": rule["features"]["mean"] + 0.5}}
    )
    right = preparer(rule)
    both = [
        compute(ready.collate([ready.prepare(clip) for clip in CLIPS])) for ready in (right, wrong)
    ]
    reference = {name: list(values) for name, values in both[0].items()}
    found = {name: list(values) for name, values in both[1].items()}
    limits = SIGNATURE.tolerance(reference)
    gap = max(
        float(np.abs(a - b).max())
        for a, b in zip(reference["logits"], found["logits"], strict=True)
    )
    assert gap > 5 * limits["logits"]
    assert SIGNATURE.agrees(reference, reference).all()
    assert (
        SIGNATURE.score(reference, [int(row.argmax()) for row in reference["logits"]]).value == 1.0
    )


def test_the_interface_says_what_goes_in(banks: Subject) -> None:
    said = SIGNATURE.interface(banks.built)
    assert said["input"]["graph"] == {
        "name": "input_values",
        "dtype": "float32",
        "shape": ["batch", 64, 32],
    }
    assert said["output"]["kind"] == "classes"
    assert SIGNATURE.suffix(CLIPS[0]) == ".wav"
    assert SIGNATURE.suffix(b"?") == ".bin"
