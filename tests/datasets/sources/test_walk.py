# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from lepton_lab.datasets.sources.walk import is_junk, walk

NOBODY = 65534


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def test_files_and_folders_are_named_relative_to_the_root(tmp_path):
    found = walk(touch(tmp_path, "a/1.txt", "a/b/2.txt", "3.txt"))
    assert sorted(found.files) == ["3.txt", "a/1.txt", "a/b/2.txt"]
    assert sorted(found.folders) == ["a", "a/b"]
    assert found.findings() == []


def test_a_root_that_is_itself_a_link_is_entered(tmp_path):
    touch(tmp_path / "real", "a/1.txt")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert walk(tmp_path / "link").files == ["a/1.txt"]


def test_a_chain_of_links_does_not_multiply_files(tmp_path):
    touch(tmp_path, *(f"a/{i}.txt" for i in range(6)))
    for name in ("x", "y", "z"):
        (tmp_path / "a" / name).symlink_to(tmp_path)
        (tmp_path / name).symlink_to(tmp_path / "a")
    found = walk(tmp_path)
    assert len(found.files) == 6
    assert len(found.links) == 6


def test_a_sibling_whose_name_begins_alike_is_outside(tmp_path):
    touch(tmp_path / "root", "1.txt")
    touch(tmp_path / "root-evil", "2.txt")
    (tmp_path / "root" / "2.txt").symlink_to(tmp_path / "root-evil" / "2.txt")
    found = walk(tmp_path / "root")
    assert found.files == ["1.txt"]
    assert found.links == {"2.txt": "leads out of the folder"}


@pytest.mark.timeout(20)
def test_pipes_and_sockets_are_named_and_not_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert sorted(walk(tmp_path).special) == ["pipe", "socket"]


def test_a_very_deep_folder_ends_with_a_name_and_not_with_an_error(tmp_path):
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(25):
            os.mkdir("d" * 200, dir_fd=here)
            inner = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = inner
    finally:
        os.close(here)
    found = walk(tmp_path)
    assert found.folders
    assert len(found.denied) == 1
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_a_folder_without_permission_is_named():
    with tempfile.TemporaryDirectory() as name:
        root = touch(Path(name), "open/1.txt", "closed/2.txt")
        root.chmod(0o755)
        (root / "closed").chmod(0)
        mighty = os.geteuid() == 0
        try:
            if mighty:  # the superuser is refused nothing, so another user looks
                os.seteuid(NOBODY)
            found = walk(root)
        finally:
            if mighty:
                os.seteuid(0)
            (root / "closed").chmod(0o755)
    assert found.files == ["open/1.txt"]
    assert found.denied == {"closed": "Permission denied"}
    assert [finding.code for finding in found.findings()] == ["unreadable-folders"]


@pytest.mark.parametrize(
    "name",
    [".git", ".DS_Store", "Thumbs.db", "THUMBS.DB", "__MACOSX", "@eaDir", "._a.jpg", "Icon\r"],
)
def test_junk_is_known_by_name(name):
    assert is_junk(name)


@pytest.mark.parametrize("name", ["cat", "thumbs", "a.b", "macosx", "-x", "…", "train"])
def test_ordinary_names_are_no_junk(name):
    assert not is_junk(name)
