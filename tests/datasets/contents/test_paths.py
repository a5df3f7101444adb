# SPDX-License-Identifier: BSD-3-Clause
"""A text as files: a file, a folder, a pattern, or an error that names the nearest file."""

from __future__ import annotations

from pathlib import Path

import pytest

from lepton_lab.datasets.contents.paths import files_at
from lepton_lab.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    for name in ("b.WAV", "a.wav", ".hidden.wav", "notes.txt", "inner/c.wav"):
        (tmp_path / name).touch()
    return tmp_path


def names(folder: Path, text: str) -> list[str]:
    found = files_at(str(folder / text), {".wav"}, "sound")
    return [path.relative_to(folder).as_posix() for path in found]


def test_a_folder_gives_its_files_of_that_kind_at_any_depth(folder: Path) -> None:
    assert names(folder, "") == ["a.wav", "b.WAV", "inner/c.wav"]


def test_a_file_is_taken_as_it_is_and_a_pattern_by_its_matches(folder: Path) -> None:
    assert names(folder, "notes.txt") == ["notes.txt"]
    assert names(folder, "**/*.wav") == ["a.wav", "inner/c.wav"]


def test_what_is_not_there_is_told_with_the_nearest_name(folder: Path) -> None:
    with pytest.raises(DataError, match=r"no file '.*note.txt'(.|\n)*similar name.*notes\.txt"):
        names(folder, "note.txt")
    with pytest.raises(DataError, match=r"no file(.|\n)*Looked in"):
        names(folder, "nowhere/zzz.wav")


def test_a_folder_with_nothing_of_that_kind_says_what_is_missing(folder: Path) -> None:
    with pytest.raises(DataError, match="There is no image in"):
        files_at(str(folder), {".png"}, "image")
