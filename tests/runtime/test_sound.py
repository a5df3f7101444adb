# SPDX-License-Identifier: BSD-3-Clause
"""Sounds are decoded as other readers decode them, and what is no sound is refused with its reason."""

from __future__ import annotations

import io
import pickle
import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from lepton_lab.runtime.sound import decode_sound, inspect_sound, sound_from_array
from lepton_lab.runtime.sound_error import SoundError

from .sounds import tone, wav


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(
    ("form", "step"),
    [
        ("u8", 1 / 128),
        ("s16", 2**-15),
        ("s24", 2**-23),
        ("s32", 1e-7),
        ("f32", 1e-7),
        ("f64", 1e-7),
    ],
)
def test_every_form_of_wav_gives_the_samples_back(form: str, step: float, extensible: bool) -> None:
    written = np.stack([tone(200), tone(300)], axis=1)
    sound, facts = inspect_sound(wav(written, 8000, form, extensible))
    assert sound.rate == 8000
    assert sound.samples.dtype == np.float32
    assert np.abs(sound.samples - written.mean(axis=1)).max() <= step / 2 + 1e-7
    assert (facts.channels, facts.bits, facts.format) == (2, int(form[1:]), "WAV")
    assert facts.seconds == pytest.approx(0.5)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX"])
def test_wav_is_read_as_libsndfile_reads_it(subtype: str, kind: str) -> None:
    soundfile = pytest.importorskip("soundfile")
    noise = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    file = io.BytesIO()
    soundfile.write(file, noise, 22050, format=kind, subtype=subtype)
    wanted = soundfile.read(io.BytesIO(file.getvalue()), dtype="float32", always_2d=True)[0]
    assert np.array_equal(
        decode_sound(file.getvalue()).samples, wanted.mean(axis=1, dtype=float).astype(np.float32)
    )


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        ("FLAC", "PCM_24"),
        ("OGG", "VORBIS"),
        ("MP3", "MPEG_LAYER_III"),
        ("AIFF", "PCM_16"),
        ("WAV", "ULAW"),
    ],
)
def test_other_formats_are_read_by_soundfile(kind: str, subtype: str, tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / "clip"
    soundfile.write(path, tone(440, 16000, 1.0), 16000, format=kind, subtype=subtype)
    sound, facts = inspect_sound(path)
    assert (sound.rate, facts.format) == (16000, kind)
    strongest = np.abs(np.fft.rfft(sound.samples[:16000])).argmax()
    assert abs(int(strongest) - 440) <= 1


def test_without_soundfile_the_reason_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(SoundError, match="pip install soundfile") as caught:
        decode_sound(b"fLaC" + bytes(100))
    assert caught.value.code == "unsupported"


def test_the_standard_library_agrees() -> None:
    with wave.open(io.BytesIO(wav(tone(200), 8000)), "rb") as file:
        known = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    assert np.allclose(decode_sound(wav(tone(200), 8000)).samples, known, atol=0)


def _with_rate(rate: int) -> bytes:
    data = bytearray(wav(tone(200)))
    data[24:28] = struct.pack("<I", rate)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "empty", "0 bytes"),
        (wav(np.zeros(0, np.float32)), "zero-length", "no samples"),
        (wav(tone(200))[:2000], "truncated", "0.12 s of 0.50 s"),
        (wav(tone(200))[:30], "truncated", "header is cut"),
        (wav(tone(200))[:18], "truncated", "its form"),
        (wav(tone(200))[:48], "truncated", "samples"),
        (wav(np.array([0, np.nan, np.inf]), form="f32"), "not-finite", "2 of 3 samples"),
        (_with_rate(0), "unsupported", "0 samples per second"),
        (_with_rate(4_000_000_000), "unsupported", "no rate"),
        (b"<!DOCTYPE html><p>404", "not-a-sound", "HTML"),
        (b"\x89PNG\r\n\x1a\n", "not-a-sound", "PNG"),
        (b"\0\0\0\x20ftypM4A ", "unsupported", "AAC"),
        (b"hello, I am a text", "not-a-sound", "WAV, FLAC"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(data: bytes, code: str, says: str) -> None:
    with pytest.raises(SoundError, match=says) as caught:
        decode_sound(data)
    assert caught.value.code == code


def test_a_stream_without_a_known_length_is_read_to_its_end() -> None:
    data = wav(tone(200), 8000)
    place = data.index(b"data") + 4
    streamed = data[:place] + b"\xff\xff\xff\xff" + data[place + 4 :]
    assert np.array_equal(decode_sound(streamed).samples, decode_sound(data).samples)


def test_the_error_names_the_file_and_travels_between_processes(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match=r"nothing\.wav: there is no such file") as caught:
        decode_sound(tmp_path / "nothing.wav")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(SoundError, match="folder"):
        decode_sound(tmp_path)


def test_arrays_are_scaled_by_their_type_and_mixed() -> None:
    whole = np.array([[0, 0], [16384, 16384], [-32768, 0]], np.int16)
    assert sound_from_array(whole, 8000).samples.tolist() == [0.0, 0.5, -0.5]
    many = np.zeros((2, 100), np.float32)
    assert sound_from_array(many, 8000).samples.shape == (100,)
    assert sound_from_array(np.array([128, 0], np.uint8), 8000).samples.tolist() == [0.0, -1.0]


@pytest.mark.parametrize(
    ("values", "rate"),
    [
        (np.zeros((2, 2, 2)), 8000),
        (np.zeros(3), "fast"),
        (np.array(["a"]), 8000),
        (np.zeros(3), True),
    ],
)
def test_arrays_that_are_no_clip_are_refused(values: np.ndarray, rate: object) -> None:
    with pytest.raises(SoundError):
        sound_from_array(values, rate)


def test_clipping_is_measured() -> None:
    assert inspect_sound(wav(tone(100, loud=0.5)))[1].clipped == 0
    assert inspect_sound(wav(np.clip(tone(100, loud=3.0), -1, 1)))[1].clipped > 0.5
