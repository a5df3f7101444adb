# SPDX-License-Identifier: BSD-3-Clause
"""Sounds as content: every broken or odd clip is found before the first step, and none of them can do harm."""

from __future__ import annotations

import re
from pathlib import Path

import html5lib
import numpy as np
import pytest

import lepton_lab as lab
from lepton_lab.datasets.contents import sound
from lepton_lab.datasets.contents.waveform import waveform
from lepton_lab.errors import DataError
from lepton_lab.runtime.sound import Sound

from ...runtime.sounds import tone, wav
from ..sources.test_sounds import clips


@pytest.fixture
def dirty(tmp_path: Path) -> Path:
    """Twelve good clips and one of each kind of trouble."""
    root = clips(tmp_path / "words", "no yes")
    put = {
        "empty.wav": b"",
        "zero.wav": wav(np.zeros(0, np.float32)),
        "cut.wav": wav(tone(999))[:3000],
        "text.wav": b"I am no sound",
        "nan.wav": wav(np.array([0.1, np.nan] * 1000), form="f32"),
        "fast.wav": wav(tone(150, 44100), 44100),
        "stereo.wav": wav(np.stack([tone(160), tone(170)], axis=1)),
        "silent.wav": wav(np.zeros(3000, np.float32)),
        "short.wav": wav(tone(180)[:50]),
        "long.wav": wav(tone(190, 8000, 5.0)),
        "loud.wav": wav(np.clip(tone(210, loud=9.0), -1, 1)),
        "wav.mp3": wav(tone(220)),
        "copy.wav": wav(tone(200, 8000, 0.2)),
    }
    for name, data in put.items():
        (root / "yes" / name).write_bytes(data)
    return root


def test_every_kind_of_trouble_is_found_before_training(dirty: Path) -> None:
    data = lab.data(dirty)
    found = {finding.code: [Path(name).name for name in finding.ids] for finding in data.audit()}
    assert found["zero-byte"] == ["empty.wav"]
    assert found["zero-length"] == ["zero.wav"]
    assert found["truncated"] == ["cut.wav"]
    assert found["not-a-sound"] == ["text.wav"]
    assert found["not-finite"] == ["nan.wav"]
    assert found["other-rates"] == ["fast.wav"]
    assert found["several-channels"] == ["stereo.wav"]
    assert found["silent"] == ["silent.wav"]
    assert found["short-clips"] == ["short.wav"]
    assert found["long-clips"] == ["long.wav"]
    assert found["overdriven"] == ["loud.wav"]
    assert found["wrong-extension"] == ["wav.mp3"]
    assert "label-conflicts" in found
    broken = {"empty.wav", "zero.wav", "cut.wav", "text.wav", "nan.wav"}
    kept = {Path(sample.id).name for split in data.splits() for sample in split}
    assert not broken & kept
    assert "0 rows" not in repr(data)


def test_stop_names_the_broken_clips(dirty: Path) -> None:
    with pytest.raises(DataError, match=r"cut\.wav \(the WAV file is cut short"):
        lab.data(dirty, clean="stop")


def test_only_broken_clips_is_an_error_of_three_lines(tmp_path: Path) -> None:
    for name in ("no", "yes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.wav").write_bytes(b"RIFF")
    with pytest.raises(DataError) as caught:
        lab.data(tmp_path)
    assert len(str(caught.value).split("\n")) == 3
    assert "None of the 2 clips" in str(caught.value)


def test_one_class_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Only one class"):
        lab.data(clips(tmp_path / "words", "no"))


def test_what_users_hand_in_becomes_named_clips(tmp_path: Path) -> None:
    root = clips(tmp_path / "words", "no", 3)
    assert len(sound.inputs(root)) == 3
    assert len(sound.inputs(str(root / "no" / "*.wav"))) == 3
    pair = (tone(200), 8000)
    made = sound.inputs(
        [pair, wav(tone(200)), (8000, tone(200)), Sound(*pair), root / "no" / "0.wav"]
    )
    assert [name for name, _ in made[:4]] == ["clip 1", "clip 2", "clip 3", "clip 4"]
    assert all(one.rate == 8000 for _, one in made)
    assert np.array_equal(made[0][1].samples, made[3][1].samples)


@pytest.mark.parametrize("odd", [3, tone(200), {"x": 1}, b"text", "/no/such.wav", [None]])
def test_what_is_no_sound_is_refused_in_words(odd: object) -> None:
    with pytest.raises(DataError):
        sound.inputs(odd)


def test_rows_of_the_datasets_library_are_read() -> None:
    samples = tone(200)
    as_array = sound.read({"array": samples.astype(np.float64), "sampling_rate": 8000})
    as_bytes = sound.read({"bytes": wav(samples), "path": "x.wav"})
    assert np.abs(as_array.samples - as_bytes.samples).max() < 1e-4
    assert sound.encoded({"bytes": wav(samples)}) == wav(samples)
    assert sound.read(sound.encoded((samples, 8000))).rate == 8000


def test_a_tile_is_small_escaped_and_silent() -> None:
    tile = waveform(Sound(tone(200), 8000), '<script>alert("1")</script>&.wav')
    assert len(tile.html()) < 4096
    tree = html5lib.parseFragment(tile.html(), treebuilder="etree", namespaceHTMLElements=False)
    names = {element.tag.split("}")[-1] for element in tree.iter()} if len(tree) else set()
    assert "svg" in names
    assert not names & {"script", "audio", "video", "animate", "image", "foreignObject"}
    assert "0.50 s" in tile.text()


@pytest.mark.parametrize("length", [0, 1, 5, 71, 72, 73, 100_000])
def test_clips_of_any_length_can_be_drawn(length: int) -> None:
    html = waveform(Sound(np.linspace(-1, 1, length, dtype=np.float32), 8000), "x").html()
    numbers = [float(n) for n in re.findall(r"[MV ](-?\d+\.\d+)", html)]
    assert all(-1 <= n <= 145 for n in numbers)
    assert "nan" not in html


def test_a_data_set_of_sounds_shows_itself(dirty: Path) -> None:
    shown = lab.data(dirty).show(4)
    assert shown.html().count("<svg") == 4
