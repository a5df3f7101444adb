# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import pytest

from lepton_lab.datasets import data
from lepton_lab.datasets.sources.voc import parse
from lepton_lab.errors import DataError
from tests.datasets.annotations import corners, numbered, pictures, words, xml
from tests.datasets.trees import problem, side_of, three_lines


def tree(root: Path, count: int = 8) -> Path:
    """The layout of VOC, with its lists of the split."""
    names = pictures(root / "JPEGImages", numbered(count))
    (root / "Annotations").mkdir()
    for i, name in enumerate(names):
        text = xml(name="cat" if i % 2 else "dog", file=name)
        (root / "Annotations" / f"{name[:-4]}.xml").write_text(text, "utf-8")
    lists = root / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("\n".join(name[:-4] for name in names[: count - 2]))
    (lists / "val.txt").write_text("\n".join(f"{name[:-4]} 1" for name in names[count - 2 :]))
    return root


def test_the_layout_of_voc_with_its_lists(tmp_path):
    ds = data(tree(tmp_path / "VOC2012"))
    assert ds.task == "object-detection" and ds.classes == ("cat", "dog") and not ds.problems
    assert (len(ds.train), len(ds.val)) == (6, 2)
    assert corners(ds)["JPEGImages/00.jpg"] == ((4, 5, 14, 17),)


def test_files_beside_the_images_in_folders_of_the_split(tmp_path):
    for side, count, first in (("train", 4, 0), ("valid", 2, 50)):
        for name in pictures(tmp_path / side, numbered(count), first):
            (tmp_path / side / f"{name[:-4]}.xml").write_text(xml())
    ds = data(tmp_path)
    assert side_of(ds)["valid/01.jpg"] == "val" and (len(ds.train), len(ds.val)) == (4, 2)


def test_a_wrong_file_name_inside_yields_to_the_name_of_the_file(tmp_path):
    root = tree(tmp_path / "set")
    (root / "Annotations" / "00.xml").write_text(xml((1, 1, 9, 9), file="somewhere\\01.jpg"))
    assert corners(data(root))["JPEGImages/00.jpg"] == ((1, 1, 9, 9),)
    (root / "Annotations" / "00.xml").rename(root / "Annotations" / "other.xml")
    (root / "Annotations" / "other.xml").write_text(xml((2, 2, 9, 9), file="00.jpg"))
    assert corners(data(root))["JPEGImages/00.jpg"] == ((2, 2, 9, 9),)


def test_odd_annotations_are_told(tmp_path):
    root = tree(tmp_path / "set", 12)
    texts = {
        "00": xml((30, 30, 90, 90)),
        "01": xml((14, 5, 4, 17)),
        "02": xml(("a", 5, 4, 17)),
        "03": "<annotation><object><name>cat</name></object></annotation>",
        "04": "<annotation>",
        "05": "<other></other>",
        "06": xml(size=(0, 0)),
        "lost": xml(file="lost.jpg"),
    }
    for name, text in texts.items():
        (root / "Annotations" / f"{name}.xml").write_text(text)
    (root / "Annotations" / "07.xml").unlink()
    ds = data(root, val=0, test=0)
    found = {f.code: f.count for f in ds.problems}
    assert found == {
        "boxes-clipped": 1, "boxes-empty": 1, "boxes-unreadable": 2, "annotation-damaged": 2,
        "annotation-alone": 1, "left-unlisted": 1, "no-boxes": 3,
    }  # fmt: skip
    assert corners(ds)["JPEGImages/00.jpg"] == ((30, 30, 48, 40),)
    assert words(ds)["JPEGImages/06.jpg"] == "1 cat"
    assert "<other>" in problem(ds, "annotation-damaged").details[1]
    assert set(found) <= set(ds.audit().codes)


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "{}">]><annotation><filename>&x;</filename></annotation>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("entity", ["lol" * 1000, "file:///etc/passwd"])
def test_document_types_are_refused_in_every_encoding(tmp_path, encoding, entity):
    with pytest.raises(ValueError, match="document type"):
        parse(BOMB.format(entity).encode(encoding))
    root = tree(tmp_path / "set")
    (root / "Annotations" / "00.xml").write_bytes(BOMB.format(entity).encode(encoding))
    assert problem(data(root, val=0, test=0), "annotation-damaged").ids == ("JPEGImages/00.jpg",)


@pytest.mark.parametrize("content", [b"", b"<a", b"\xff\xfe<", b"<a>" * 100_000, b'<?xml version="1.0" encoding="x-no"?><a/>'])  # fmt: skip
def test_damaged_xml_is_a_value_error(content):
    with pytest.raises(ValueError):
        parse(content)


def test_annotations_without_any_image_are_an_error(tmp_path):
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations" / "a.xml").write_text(xml(file="a.jpg"))
    with pytest.raises(DataError, match="No image") as caught:
        data(tmp_path)
    three_lines(caught.value)
