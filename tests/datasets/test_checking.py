# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_lab.datasets import checking
from lepton_lab.datasets.checking import check, check_all, difference_hash, digest_of
from lepton_lab.runtime.decode import ImageError, decode_image
from tests.datasets.trees import encoded, picture, save

WHOLE = {
    kind: encoded(3, kind, (160, 120)) for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
}
WHOLE["progressive"] = encoded(3, "JPEG", (400, 300), progressive=True)
WHOLE["large"] = encoded(3, "JPEG", (900, 700))


def readable(data: bytes) -> bool:
    try:
        decode_image(data)
    except ImageError:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.floats(0, 1))
def test_a_cut_file_passes_the_check_just_when_it_can_be_decoded(kind, share):
    data = WHOLE[kind][: int(len(WHOLE[kind]) * share)]
    assert (check(data).code == "") == readable(data)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["JPEG", "PNG", "large"]),
    st.integers(0, 10**6),
    st.binary(min_size=1, max_size=20),
)
def test_a_damaged_file_passes_the_check_only_when_it_can_be_decoded(kind, place, noise):
    data = bytearray(WHOLE[kind])
    place %= len(data)
    data[place : place + len(noise)] = noise
    found = check(bytes(data))
    assert found.code or readable(bytes(data))


def test_a_good_file_is_described(tmp_path):
    path = save(tmp_path / "a.jpg", 1, (120, 80))
    found = check(path)
    assert (found.code, found.size, found.decoded) == ("", path.stat().st_size, True)
    assert (found.facts.width, found.facts.height, found.facts.format) == (120, 80, "JPEG")
    assert found.digest == digest_of(path.read_bytes())


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"hello", "not-an-image"),
        (b"<html></html>", "not-an-image"),
        (WHOLE["JPEG"][:700], "truncated"),
    ],
)
def test_bad_files_say_why(tmp_path, content, code):
    (tmp_path / "x.jpg").write_bytes(content)
    found = check(tmp_path / "x.jpg")
    assert found.code == code and found.reason
    assert check(content).code == code


def test_a_bomb_is_refused_by_its_header():
    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    assert check(data).code == "too-large"


def test_what_is_no_file_is_told(tmp_path):
    assert check(tmp_path / "gone.jpg").code == "missing"
    assert check(tmp_path).code == "unreadable"
    assert check("a\0b").code == "missing"


@pytest.mark.timeout(20)
def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert check(tmp_path / "pipe.jpg").code == "unreadable"


def test_a_file_is_checked_again_when_it_has_changed(tmp_path):
    path = save(tmp_path / "a.jpg", 1)
    first = check(path)
    assert check(path) is first
    path.write_bytes(encoded(2))
    os.utime(path, ns=(1, 1))
    assert check(path).digest != first.digest
    path.write_bytes(b"")
    assert check(path).code == "empty"


def test_many_are_checked_in_their_order():
    payloads = [encoded(i) if i % 3 else b"" for i in range(30)]
    assert [bool(c.code) for c in check_all(payloads)] == [i % 3 == 0 for i in range(30)]


def test_large_sets_are_not_decoded_but_cut_files_are_still_found(tmp_path):
    good = [save(tmp_path / f"{i}.jpg", i, (200, 150)) for i in range(4)]
    (tmp_path / "cut.jpg").write_bytes(good[0].read_bytes()[:-400])
    (tmp_path / "cut.png").write_bytes(encoded(1, "PNG")[:-30])
    (tmp_path / "fine.webp").write_bytes(encoded(1, "WEBP"))
    paths = [*good, *(tmp_path / name for name in ("cut.jpg", "cut.png", "fine.webp"))]
    found = check_all(paths, decode=False)
    assert [c.code for c in found] == ["", "", "", "", "truncated", "truncated", ""]
    assert [c.decoded for c in found[:4]] == [False] * 4
    assert all(c.facts is not None for c in found[:4])
    assert all(c.decoded for c in check_all(good, decode=True))


def test_large_sets_still_know_their_copies(tmp_path):
    a = save(tmp_path / "a.jpg", 1)
    (tmp_path / "b.jpg").write_bytes(a.read_bytes())
    c = save(tmp_path / "c.jpg", 2, (300, 200))
    found = check_all([a, tmp_path / "b.jpg", c], decode=False)
    assert found[0].digest == found[1].digest != b"" and found[2].digest == b""


def test_the_limit_decides_by_itself(monkeypatch, tmp_path):
    monkeypatch.setattr(checking, "DECODE_AT_MOST", 2)
    paths = [save(tmp_path / f"{i}.jpg", i) for i in range(3)]
    assert not any(c.decoded for c in check_all(paths))
    assert all(c.decoded for c in check_all(paths[:2]))


def bits_apart(a, b):
    return bin(a ^ b).count("1")


def test_difference_hashes_survive_size_encoding_and_brightness():
    big = np.asarray(picture(5, (400, 300)))
    reference = difference_hash(big)
    assert (
        bits_apart(
            reference, difference_hash(decode_image(encoded(5, "JPEG", (200, 150), quality=60)))
        )
        <= 3
    )
    assert bits_apart(reference, difference_hash((big * 0.8).astype(np.uint8))) <= 3


def test_other_pictures_have_other_hashes_and_flat_ones_none():
    hashes = [difference_hash(np.asarray(picture(i, (120, 90)))) for i in range(40)]
    apart = [bits_apart(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(apart) > 3
    assert difference_hash(np.full((50, 50, 3), 90, np.uint8)) is None


def test_pixels_are_known_by_content_and_shape():
    a = np.asarray(picture(1, (10, 6)))
    assert check(a).digest == check(a.copy()).digest
    assert check(a).digest != check(a.reshape(10, 6, 3)).digest
    assert check(a[..., 0]).facts.mode == "L" and check(picture(1)).facts.mode == "RGB"
    assert check(np.zeros((3, 3), np.complex64)).code == "unsupported"
