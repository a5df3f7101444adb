# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import pytest

from lepton_lab.magics import sources
from lepton_lab.magics.verb import Positional

DATA = Positional("data", "data", "where samples are")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_paths_keep_what_was_typed_in_front_of_them(tmp_path: Path) -> None:
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "cats").mkdir()
    assert sources.paths("pe") == [("pets/", "path")]
    assert sources.paths("./pe") == [("./pets/", "path")]
    assert sources.paths("~/pe") == [("~/pets/", "path")]
    assert sources.paths("pets/") == [("pets/cats/", "path")]
    assert sources.paths(f"{tmp_path}/pe") == [(f"{tmp_path}/pets/", "path")]
    assert sources.paths("nowhere/") == []


def test_hidden_files_are_offered_to_someone_who_types_the_dot(tmp_path: Path) -> None:
    (tmp_path / ".secret").touch()
    assert sources.paths("") == []
    assert sources.paths(".s") == [(".secret", "path")]


def test_a_file_name_with_quotes_comes_out_as_one_word_of_a_line(tmp_path: Path) -> None:
    from lepton_lab.magics.scan import split

    (tmp_path / "it's $HOME; rm").mkdir()
    ((text, kind),) = sources.words(DATA, "it", {})
    assert kind == "path"
    assert split(text) == ["it's $HOME; rm/"]


def test_a_source_that_fails_takes_nothing_away_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(fragment: str) -> list[sources.Candidate]:
        raise OSError("the index is damaged")

    monkeypatch.setitem(sources._SOURCES, "data", (broken, sources.samples))
    assert sources.words(DATA, "", {}) == [("digits", "dataset")]


def test_a_huge_folder_is_not_read_to_its_end(tmp_path: Path) -> None:
    for number in range(2300):
        (tmp_path / f"f{number}").touch()
    assert len(sources.paths("f")) == 2000
    assert len(sources.words(Positional("i", "input", "x"), "f", {})) == sources.LIMIT


def test_private_names_and_the_history_are_no_variables() -> None:
    namespace = {"_": [1], "In": ["a"], "Out": {}, "batch": [1, 2], "number": 3}
    assert sources.variables("input", "", namespace) == [("batch", "variable")]
