# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import pytest

from lepton_lab.errors import LeptonError
from lepton_lab.studio import uploads
from lepton_lab.studio.uploads import PIECE, Upload


def test_a_file_comes_in_pieces_and_is_there_when_the_last_one_is(tmp_path: Path) -> None:
    upload = Upload("flowers", tmp_path)
    upload.take("rose/a.png", 0, b"x" * PIECE, False)
    assert not (upload.folder / "rose" / "a.png").exists()
    upload.take("rose/a.png", PIECE, b"yz", True)
    assert (upload.folder / "rose" / "a.png").read_bytes() == b"x" * PIECE + b"yz"
    upload.take("rose/b.png", 0, b"", True)
    assert (upload.files, upload.bytes) == (2, PIECE + 2)


def test_a_second_upload_of_the_same_name_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    first = Upload("flowers", tmp_path)
    first.take("a/1.png", 0, b"1", True)
    second = Upload("flowers", tmp_path)
    assert second.folder.name == "flowers-2" and second.folder.parent == first.folder.parent


@pytest.mark.parametrize("name", ["../x.png", "/etc/x", "a/../../x", "c:x", "a\\b", "", "x" * 500])
def test_a_name_that_would_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LeptonError, match="leave the folder"):
        Upload("flowers", tmp_path).take(name, 0, b"1", True)
    assert not list(tmp_path.rglob("*.png"))


@pytest.mark.parametrize("name", ["..", "/", "...", "<b>", "a/../b", ""])
def test_the_folder_itself_stays_among_the_uploads(tmp_path: Path, name: str) -> None:
    folder = Upload(name, tmp_path).folder
    assert folder.resolve().parent == (tmp_path / uploads.FOLDER).resolve()


def test_limits_are_kept_and_missing_pieces_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = Upload("flowers", tmp_path)
    with pytest.raises(LeptonError, match="at most"):
        upload.take("a/1.png", 0, b"1" * (PIECE + 1), True)
    with pytest.raises(LeptonError, match="missing"):
        upload.take("a/1.png", 5, b"1", True)
    monkeypatch.setattr(uploads, "MOST_BYTES", 3)
    with pytest.raises(LeptonError, match="at most"):
        upload.take("a/1.png", 0, b"1234", True)
    monkeypatch.setattr(uploads, "MOST_FILE", 2)
    with pytest.raises(LeptonError, match="at most"):
        upload.take("a/1.png", 0, b"123", True)
    assert not list(tmp_path.rglob("*.png"))
