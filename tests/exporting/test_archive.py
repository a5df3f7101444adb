# SPDX-License-Identifier: BSD-3-Clause
"""A .zip from elsewhere unpacks to its own folder or not at all."""

import stat
import zipfile

import pytest

from lepton_lab.errors import StorageError
from lepton_lab.exporting import archive
from lepton_lab.exporting.archive import pack, unpack


def make(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data)
    return path


def refused(path, tmp_path, match):
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(StorageError, match=match):
        unpack(path, target)
    return target


def test_what_was_packed_comes_back(tmp_path):
    folder = tmp_path / "a.lepton"
    (folder / "golden").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "golden" / "0.bin").write_bytes(bytes(range(256)))
    path = pack(folder, tmp_path / "a.zip")
    target = tmp_path / "target"
    target.mkdir()
    found = unpack(path, target)
    assert found == target / "a.lepton"
    assert (found / "golden" / "0.bin").read_bytes() == bytes(range(256))


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/tmp/evil", "a\\..\\evil", "C:evil", "a//b", "./a"],
)
def test_members_that_leave_the_folder_are_refused_before_anything_is_written(name, tmp_path):
    path = make(tmp_path / "x.zip", [("a.lepton/manifest.json", "{}"), (name, "evil")])
    target = refused(path, tmp_path, "leaves the folder")
    assert list(target.iterdir()) == []
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_are_refused(kind, tmp_path):
    member = zipfile.ZipInfo("a.lepton/link")
    member.external_attr = (kind | 0o777) << 16
    path = make(tmp_path / "x.zip", [("a.lepton/manifest.json", "{}"), (member, "/etc/passwd")])
    refused(path, tmp_path, "is a link")


def test_a_bomb_is_refused_by_its_ratio(tmp_path):
    path = make(tmp_path / "x.zip", [("manifest.json", "{}"), ("zeros", bytes(70_000_000))])
    assert path.stat().st_size < 100_000
    target = refused(path, tmp_path, "would unpack")
    assert list(target.iterdir()) == []


def test_a_member_larger_than_it_declares_is_refused(tmp_path):
    path = make(tmp_path / "x.zip", [("manifest.json", "{}" + " " * 5000)])
    data = path.read_bytes()
    size = (5002).to_bytes(4, "little")
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, (10).to_bytes(4, "little")))
    refused(path, tmp_path, "unpack")


def test_too_many_files_and_files_named_twice_are_refused(tmp_path, monkeypatch):
    path = make(tmp_path / "x.zip", [("manifest.json", "{}"), ("A", "1"), ("a", "2")])
    refused(path, tmp_path, "twice")
    monkeypatch.setattr(archive, "MAX_FILES", 2)
    (tmp_path / "target").rmdir()
    refused(path, tmp_path, "3 files")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_artifact_is_said_so(data, tmp_path):
    (tmp_path / "x.zip").write_bytes(data)
    refused(tmp_path / "x.zip", tmp_path, r"x\.zip")


def test_a_cut_archive_is_refused(tmp_path):
    path = make(tmp_path / "x.zip", [("manifest.json", "{}"), ("a", "b" * 1000)])
    path.write_bytes(path.read_bytes()[:-30])
    refused(path, tmp_path, "cannot be unpacked")
