# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import pytest

from lepton_lab.datasets import data
from lepton_lab.datasets.sources import yolo
from lepton_lab.errors import DataError
from tests.datasets.annotations import corners, numbered, pictures, words
from tests.datasets.trees import folder, problem, side_of, three_lines

# Of 48 x 40 pixels: (12, 10) to (36, 20).
LINE = "1 0.5 0.375 0.5 0.25\n"
YAML = "path: {path}\ntrain: {train}\nval: {val}\nnc: 2\nnames: [cat, dog]\ndownload: exit(1)\n"


def label(root: Path, name: str, text: str = LINE) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def tree(root: Path, inner: bool = False, yaml: str | None = YAML) -> Path:
    """6 pictures to learn from and 2 held out; `inner` puts the side before "images"."""
    for side, count, first in (("train", 6, 0), ("val", 2, 50)):
        images, labels = (f"{side}/images", f"{side}/labels") if inner else (f"images/{side}", f"labels/{side}")  # fmt: skip
        for name in pictures(root / images, numbered(count), first):
            label(root, f"{labels}/{name[:-4]}.txt", LINE + "0 0.25 0.5 0.25 0.2\n")
    if yaml is not None:
        places = ("train/images", "val/images") if inner else ("images/train", "images/val")
        (root / "data.yaml").write_text(yaml.format(path="", train=places[0], val=places[1]))
    return root


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_both_layouts_by_folder_and_by_file(tmp_path, inner, named):
    root = tree(tmp_path / "pets", inner)
    ds = data(root / "data.yaml" if named else root)
    assert ds.task == "object-detection" and ds.classes == ("cat", "dog")
    assert (len(ds.train), len(ds.val)) == (6, 2) and not ds.problems
    assert corners(ds)[next(iter(corners(ds)))] == ((12, 10, 36, 20), (6, 16, 18, 24))
    assert ds.train[0].label.classes == (1, 0)


@pytest.mark.parametrize("train", ["../train/images", "./train/images", "pets/train/images", "train\\images"])  # fmt: skip
def test_places_as_tools_write_them(tmp_path, train):
    root = tree(tmp_path / "pets", inner=True, yaml=None)
    (root / "data.yaml").write_text(f"train: {train}\nval: ../val/images\nnames: {{0: cat, 1: dog}}\npath: ..\n")  # fmt: skip
    ds = data(root)
    assert (len(ds.train), len(ds.val)) == (6, 2)


def test_lists_of_files_say_the_split(tmp_path):
    root = tree(tmp_path / "pets", yaml=None)
    names = [f"images/train/{name}" for name in numbered(6)]
    (root / "train.txt").write_text("\n".join(f"./{name}" for name in names[:4]))
    (root / "val.txt").write_text("\n".join(names[4:]))
    (root / "data.yaml").write_text("train: train.txt\nval: val.txt\nnames: [cat, dog]\n")
    ds = data(root)
    assert sorted(side_of(ds).values()) == ["train"] * 4 + ["val"] * 2
    assert problem(ds, "left-unlisted").count == 2


def test_without_data_yaml_names_come_from_a_list_or_are_numbers(tmp_path):
    root = tree(tmp_path / "pets", yaml=None)
    assert data(root).classes == ("0", "1")
    (root / "labels" / "classes.txt").write_text("cat\ndog\n")
    assert data(root).classes == ("cat", "dog")


def test_odd_lines_are_told_with_their_number(tmp_path):
    root = tree(tmp_path / "pets")
    lines = ["0 0.5 0.5 1.5 0.5", "0 0.5 0.5 0 0.5", "zero 1 1 1 1", "7 0.5 0.5 0.1 0.1", "0 240 200 20 20", "0 0.5 0.5", "0 0.5 nan 0.1 0.1"]  # fmt: skip
    label(root, "labels/train/00.txt", "\n".join(["", *lines, ""]))
    ds = data(root)
    found = {f.code: f.count for f in ds.problems}
    assert found == {"boxes-clipped": 1, "boxes-empty": 1, "boxes-unreadable": 4, "unknown-category": 1}  # fmt: skip
    assert problem(ds, "unknown-category").ids == ("labels/train/00.txt:5",)
    assert corners(ds)["images/train/00.jpg"] == ((0, 10, 48, 30),)


def test_polygons_become_boxes_and_confidences_are_dropped(tmp_path):
    root = tree(tmp_path / "pets")
    label(
        root,
        "labels/train/00.txt",
        "0 0.25 0.5 0.5 0.25 0.75 0.5 0.5 0.75\n1 0.5 0.375 0.5 0.25 0.9\n",
    )
    assert corners(data(root))["images/train/00.jpg"] == ((12, 10, 36, 30), (12, 10, 36, 20))


def test_pictures_without_file_are_kept_and_files_without_picture_told(tmp_path):
    root = tree(tmp_path / "pets")
    (root / "labels" / "train" / "00.txt").unlink()
    label(root, "labels/train/01.txt", "")
    label(root, "labels/train/lost.txt")
    ds = data(root)
    assert words(ds)["images/train/00.jpg"] == words(ds)["images/train/01.jpg"] == "nothing"
    assert problem(ds, "not-annotated").ids == ("images/train/00.jpg",)
    assert problem(ds, "annotation-alone").ids == ("labels/train/lost.txt",)
    assert problem(ds, "no-boxes").count == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train: images\nnames: [a\n", "cannot be read"),
        ("train: &a images\nval: *a\nnames: [a]\n", "aliases"),
        ("train: images\nnames: !!python/object/apply:os.system ['true']\n", "cannot be read"),
        ("train: images\nnames: {cat: 0}\n", "no list"),
        ("train: ../../elsewhere\nnames: [a]\n", "not in this folder"),
        ("train: /etc\nnames: [a]\n", "not in this folder"),
    ],
)
def test_data_yaml_that_cannot_be_followed(tmp_path, text, said):
    root = tree(tmp_path / "sets" / "pets", yaml=None)
    pictures(tmp_path / "elsewhere", ["a.jpg"])
    (root / "data.yaml").write_text(text)
    with pytest.raises(DataError, match=said) as caught:
        data(root)
    three_lines(caught.value)


def test_no_label_file_at_all_is_an_error(tmp_path):
    pictures(tmp_path / "images", numbered(3))
    (tmp_path / "data.yaml").write_text("train: images\nnames: [a]\n")
    with pytest.raises(DataError, match="No image") as caught:
        data(tmp_path)
    three_lines(caught.value)


def test_folders_called_images_and_labels_are_not_enough(tmp_path):
    root = folder(tmp_path / "scans", images=3, labels=3)
    (root / "labels" / "notes.txt").write_text("some words about it\n")
    assert not yolo.recognizes(str(root))
    label(root, "labels/000.txt")
    assert yolo.recognizes(str(root))
