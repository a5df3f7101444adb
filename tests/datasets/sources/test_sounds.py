# SPDX-License-Identifier: BSD-3-Clause
"""Folders and tables of sounds are read with their splits, and what is wrong with them is told."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import lepton_lab as lab
from lepton_lab.datasets.sources import sounds
from lepton_lab.errors import DataError, LeptonError

from ...runtime.sounds import tone, wav


def clips(folder: Path, names: str, count: int = 6, rate: int = 8000) -> Path:
    """Tones of their own pitch for each class, none like another."""
    for number, name in enumerate(names.split()):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            samples = tone(200 * (number + 1) + 5 * i, rate, 0.2 + 0.02 * i)
            (folder / name / f"{i}.wav").write_bytes(wav(samples, rate))
    return folder


def test_class_folders_become_a_data_set_for_audio_classification(tmp_path: Path) -> None:
    data = lab.data(clips(tmp_path / "words", "no yes"))
    assert (data.content, data.task, data.classes) == (
        "sound",
        "audio-classification",
        ("no", "yes"),
    )
    sound = data.train.read(0)
    assert (sound.rate, sound.samples.dtype) == (8000, np.float32)
    assert "0.20 to 0.30 s" in repr(data)
    assert "8 000 Hz, mono" in repr(data)


def test_splits_around_the_classes_are_kept(tmp_path: Path) -> None:
    clips(tmp_path / "train", "no yes")
    clips(tmp_path / "val", "no yes", 3, 16000)
    data = lab.data(tmp_path)
    assert (len(data.train), len(data.val)) == (12, 6)  # type: ignore[arg-type]


def test_pictures_are_not_taken_for_sounds(tmp_path: Path) -> None:
    clips(tmp_path / "mixed", "no", 2)
    for i in range(3):
        (tmp_path / "mixed" / "no" / f"{i}.png").write_bytes(b"\x89PNG")
    assert not sounds.recognizes(tmp_path / "mixed")
    assert not sounds.recognizes(tmp_path / "nothing")
    assert not sounds.recognizes(3)
    assert not sounds.recognizes("a\0b")


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    root = clips(tmp_path / "words", "no yes")
    (root / "stray.wav").write_bytes(wav(tone(99)))
    (root / "notes.txt").write_text("hello")
    (root / "empty").mkdir()
    findings = {finding.code: finding for finding in lab.data(root).audit()}
    assert findings["stray"].ids == ("stray.wav",)
    assert findings["other-files"].ids == ("notes.txt",)
    assert findings["empty-class"].ids == ("empty",)


def test_sounds_without_class_folders_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "1.wav").write_bytes(wav(tone(99)))
    (tmp_path / "labels.csv").write_text("file,word\n1.wav,no\n")
    with pytest.raises(DataError) as caught:
        lab.data(tmp_path)
    assert len(str(caught.value).split("\n")) == 3
    assert "labels.csv:COLUMN" in str(caught.value)


def test_other_formats_need_soundfile_and_the_error_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = clips(tmp_path / "words", "no yes")
    (root / "no" / "a.flac").write_bytes(b"fLaC")
    monkeypatch.setattr(sounds, "is_installed", lambda: False)
    with pytest.raises(LeptonError, match=r"lepton-lab\[audio\]"):
        lab.data(root)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_table_of_paths_is_told_to_be_sounds(tmp_path: Path, kind: str) -> None:
    clips(tmp_path, "no yes")
    rows = [
        {"clip": f"{name}/{i}.wav", "word": name, "speaker": f"s{i}"}
        for name in ("no", "yes")
        for i in range(6)
    ]
    path = tmp_path / f"clips.{kind}"
    with path.open("w", newline="") as file:
        if kind == "csv":
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        else:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    data = lab.data(path, label="word", group="speaker")
    assert (data.task, data.classes) == ("audio-classification", ("no", "yes"))
    sides = {}
    for split in data.splits():
        for sample in split:
            assert sides.setdefault(Path(sample.id).stem, split.name) == split.name


def test_a_table_beside_a_folder_names_the_classes(tmp_path: Path) -> None:
    root = tmp_path / "all"
    root.mkdir()
    lines = ["file,word"]
    for i in range(12):
        (root / f"{i}.wav").write_bytes(wav(tone(100 + 10 * i)))
        lines.append(f"{i}.wav,{'no' if i % 2 else 'yes'}")
    (root / "labels.csv").write_text("\n".join([*lines, "gone.wav,no", ",yes"]))
    data = lab.data(root, label="labels.csv:word")
    assert data.classes == ("no", "yes")
    codes = {finding.code: finding for finding in data.audit()}
    assert codes["missing"].ids == ("gone.wav",)
    assert codes["no-path"].count == 1
    with pytest.raises(DataError, match="no column"):
        lab.data(root, label="labels.csv:wort")


def test_sounds_of_the_datasets_library_stay_undecoded_until_they_are_needed() -> None:
    hub = pytest.importorskip("datasets")
    rows = [
        {"audio": {"bytes": wav(tone(200 + 5 * i)), "path": f"{i}.wav"}, "label": i % 2}
        for i in range(20)
    ]
    table = hub.Dataset.from_list(rows).cast_column("audio", hub.Audio(sampling_rate=16000))
    table = table.cast_column("label", hub.ClassLabel(names=["high", "low"]))
    data = lab.data(table)
    assert (data.task, data.classes) == ("audio-classification", ("high", "low"))
    assert data.train.read(0).rate == 8000
