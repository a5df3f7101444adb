# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from lepton_lab.datasets import ImageDataset, data
from lepton_lab.errors import DataError
from tests.datasets.trees import (
    codes,
    encoded,
    folder,
    labels,
    problem,
    save,
    side_of,
    three_lines,
    type_in,
)


def test_each_folder_is_a_class_and_images_may_lie_deeper(tmp_path):
    folder(tmp_path, cat=6, dog=6)
    save(tmp_path / "dog" / "puppies" / "small" / "deep.jpg", 1)
    ds = data(tmp_path)
    assert ds.classes == ("cat", "dog")
    assert len(ds.train) + len(ds.val) + len(ds.test) == 13
    assert "dog/puppies/small/deep.jpg" in side_of(ds)
    assert ds.name == tmp_path.name


def test_labels_follow_the_folders(tmp_path):
    ds = data(folder(tmp_path, ant=4, bee=4, cow=4))
    for split in ds.splits():
        assert labels(split) == [sample.id.split("/")[0] for sample in split]


def test_the_public_constructor_keeps_batch_size_and_shuffle(tmp_path):
    ds = ImageDataset.load_from_folder(folder(tmp_path, a=3, b=3), 8, False)
    assert (ds.batch_size, ds.shuffle) == (8, False)
    assert ImageDataset.from_folder(tmp_path).batch_size is None
    with pytest.raises(DataError, match="batch_size"):
        ImageDataset.load_from_folder(tmp_path, batch_size=0)


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val", "dev"])
def test_existing_splits_are_kept_whatever_val_is_called(tmp_path, name):
    folder(tmp_path / "train", cat=4, dog=4)
    folder(tmp_path / name, cat=2, dog=2)
    ds = data(tmp_path)
    assert (len(ds.train), len(ds.val), ds.test) == (8, 4, None)
    assert ds.held_out is ds.val
    assert all(id.startswith(name) == (side == "val") for id, side in side_of(ds).items())


def test_a_missing_val_is_cut_from_train_and_said(tmp_path):
    folder(tmp_path / "train", cat=20, dog=20)
    folder(tmp_path / "test", cat=3, dog=3)
    ds = data(tmp_path, val=0.2)
    assert (len(ds.train), len(ds.val), len(ds.test)) == (32, 8, 6)
    assert all(sample.id.startswith("train/") for sample in ds.val)
    assert "val-cut" in codes(ds)


def test_a_train_folder_alone_is_split_like_any_folder(tmp_path):
    folder(tmp_path / "train", cat=20, dog=20)
    ds = data(tmp_path)
    assert ds.classes == ("cat", "dog")
    assert (len(ds.val), len(ds.test)) == (6, 6)


def test_a_class_may_be_called_train(tmp_path):
    folder(tmp_path, bus=4, car=4, train=4)
    assert data(tmp_path).classes == ("bus", "car", "train")


def test_a_folder_beside_train_and_val_is_left_out_and_said(tmp_path):
    folder(tmp_path / "train", cat=6, dog=6)
    folder(tmp_path / "val", cat=2, dog=2)
    folder(tmp_path / "extra", cat=3)
    ds = data(tmp_path)
    assert problem(ds, "stray").count == 3
    assert len(side_of(ds)) == 16


def test_unlabeled_test_images_are_left_out_and_said(tmp_path):
    folder(tmp_path / "train", cat=6, dog=6)
    save(tmp_path / "test" / "1.jpg", 99)
    ds = data(tmp_path)
    assert problem(ds, "stray").ids == ("test/1.jpg",)


def test_a_val_folder_without_train_stops(tmp_path):
    folder(tmp_path / "val", cat=2, dog=2)
    folder(tmp_path / "test", cat=2, dog=2)
    with pytest.raises(DataError, match="no train folder") as caught:
        data(tmp_path)
    assert set(type_in(caught.value).classes) == {"cat", "dog"}


def test_hidden_and_system_files_are_skipped_and_counted_at_both_levels(tmp_path):
    folder(tmp_path, cat=5, dog=5)
    junk = [".ipynb_checkpoints/a.jpg", "cat/.ipynb_checkpoints/000.jpg",
            "__MACOSX/cat/._000.jpg", ".DS_Store",
            "cat/Thumbs.db", "@eaDir/x.jpg", "dog/.hidden.jpg", "dog/._001.jpg"]  # fmt: skip
    for i, name in enumerate(junk):
        save(tmp_path / name, 500 + i)
    ds = data(tmp_path)
    assert ds.classes == ("cat", "dog")
    assert len(side_of(ds)) == 10
    assert problem(ds, "junk").count == len(junk)


def test_links_in_circles_and_out_of_the_folder_are_refused_and_named(tmp_path):
    root = folder(tmp_path / "root", cat=5, dog=5)
    folder(tmp_path / "elsewhere", bird=4)
    (root / "cat" / "loop").symlink_to(root)
    (root / "self").symlink_to("self")
    (root / "bird").symlink_to(tmp_path / "elsewhere" / "bird")
    (root / "dog" / "outside.jpg").symlink_to(tmp_path / "elsewhere" / "bird" / "000.jpg")
    (root / "dog" / "dangling.jpg").symlink_to(tmp_path / "nothing.jpg")
    ds = data(root)
    refused = problem(ds, "links-refused")
    assert set(refused.ids) == {"cat/loop", "self", "bird", "dog/outside.jpg", "dog/dangling.jpg"}
    assert dict(zip(refused.ids, refused.details, strict=True))["bird"] == "leads out of the folder"
    assert len(side_of(ds)) == 10


def test_links_to_files_inside_the_folder_are_files_of_their_class(tmp_path):
    root = folder(tmp_path / "root", all=8)
    for i in range(8):
        name = root / ("odd" if i % 2 else "even") / f"{i}.jpg"
        name.parent.mkdir(exist_ok=True)
        name.symlink_to(root / "all" / f"{i:03d}.jpg")
    ds = data(root, exclude=("all",), val=0.25, test=0)
    assert ds.classes == ("even", "odd")
    assert len(side_of(ds)) == 8


@pytest.mark.timeout(20)
def test_pipes_are_never_opened(tmp_path):
    folder(tmp_path, cat=4, dog=4)
    os.mkfifo(tmp_path / "cat" / "pipe.jpg")
    assert problem(data(tmp_path), "special-files").ids == ("cat/pipe.jpg",)


def test_odd_names_load_and_are_shown_harmless(tmp_path):
    folder(tmp_path, cat=3, dog=3)
    names = ["line\nbreak.jpg", "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe.jpg", "<b>bold</b>.jpg",
             "-leading.jpg", "trailing .jpg", "x" * 251 + ".jpg", "Zoë 鞋 #1.jpg",
             "%2e%2e.jpg", "'\";--.jpg"]  # fmt: skip
    for i, name in enumerate(names):
        save(tmp_path / "cat" / name, 700 + i)
    raw = os.fsencode(tmp_path / "dog") + b"/\xff\xfe.jpg"
    Path(os.fsdecode(raw)).write_bytes(encoded(800))
    (tmp_path / "<img src=x onerror=alert(1)>").mkdir()
    save(tmp_path / "<img src=x onerror=alert(1)>" / "1.jpg", 900)
    ds = data(tmp_path)
    assert {f"cat/{name}" for name in names} <= set(side_of(ds))
    assert len(side_of(ds)) == 6 + len(names) + 2
    for split in ds.splits():
        for index in range(len(split)):
            assert split.read(index).shape == (40, 48, 3)
            assert split.read_bytes(index)
    shown = ds._repr_mimebundle_()
    assert "<img src=x" not in shown["text/html"] and "\N{RIGHT-TO-LEFT OVERRIDE}" not in "".join(
        shown.values()
    )
    assert len(ds.fingerprint()) == 16 and len(ds.to_pandas()) == len(side_of(ds))


def test_composed_and_decomposed_names_are_two_classes_and_said(tmp_path):
    for i, form in enumerate(("NFC", "NFD")):
        for j in range(4):
            save(tmp_path / unicodedata.normalize(form, "café") / f"{j}.jpg", 10 * i + j)
    ds = data(tmp_path)
    if len(ds.classes) == 1:
        pytest.skip("this file system joins the two forms")
    assert problem(ds, "similar-labels").count == 1


def test_a_file_without_a_known_suffix_is_read_when_it_is_an_image(tmp_path):
    folder(tmp_path, cat=4, dog=4)
    (tmp_path / "cat" / "no_suffix").write_bytes(encoded(5))
    (tmp_path / "cat" / "notes").write_text("RIF raf")
    ds = data(tmp_path)
    assert "cat/no_suffix" in side_of(ds)
    assert problem(ds, "other-files").ids == ("cat/notes",)


def test_a_class_folder_without_images_is_left_out_and_said(tmp_path):
    folder(tmp_path, cat=4, dog=4)
    (tmp_path / "empty" / "below").mkdir(parents=True)
    ds = data(tmp_path)
    assert ds.classes == ("cat", "dog")
    assert problem(ds, "empty-class").ids == ("empty",)


def test_a_class_whose_images_are_all_broken_is_left_out_and_said(tmp_path):
    folder(tmp_path, cat=4, dog=4)
    (tmp_path / "eel").mkdir()
    (tmp_path / "eel" / "1.jpg").write_bytes(b"")
    ds = data(tmp_path)
    assert ds.classes == ("cat", "dog")
    assert problem(ds, "empty-class").ids == ("eel",)


def test_images_without_class_folders_are_told_with_the_table_that_lies_there(
    tmp_path, monkeypatch
):
    for i in range(6):
        save(tmp_path / "photos" / f"{i}.jpg", i)
    rows = "\n".join(f"{i}.jpg,{'finch' if i % 2 else 'robin'}" for i in range(6))
    (tmp_path / "photos" / "labels.csv").write_text("file,species\n" + rows)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        data("photos")
    lines = three_lines(caught.value)
    assert lines[0] == 'Found 6 images in "photos" but no class folders.'
    assert "photos/cat/…, photos/dog/…" in lines[1]
    assert lines[2] == "lab.data('photos', label='labels.csv:species')"
    assert type_in(caught.value).classes == ("finch", "robin")


def test_an_empty_folder_says_so(tmp_path):
    with pytest.raises(DataError) as caught:
        data(tmp_path)
    assert three_lines(caught.value)[1] == "The folder is empty."


def test_a_folder_of_other_files_names_their_kinds(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_text("x")
    (tmp_path / "a" / "y.pdf").write_text("y")
    with pytest.raises(DataError, match=r"There are no images") as caught:
        data(tmp_path)
    assert "2 files of other kinds in it (.pdf, .txt)" in str(caught.value)


def test_a_folder_of_broken_files_only_says_what_is_wrong_with_them(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="None of the 2 images") as caught:
        data(tmp_path)
    assert "empty" in three_lines(caught.value)[1]


def test_one_class_is_not_enough(tmp_path):
    with pytest.raises(DataError, match="Only one class was found") as caught:
        data(folder(tmp_path, cat=5))
    assert '"cat" (5 images)' in str(caught.value)
    three_lines(caught.value)


def test_an_archive_unpacked_twice_is_recognized(tmp_path):
    folder(tmp_path / "pets" / "pets", cat=5, dog=5)
    with pytest.raises(DataError, match="Only one class") as caught:
        data(tmp_path / "pets")
    assert type_in(caught.value).classes == ("cat", "dog")


@pytest.mark.parametrize("asked", ["pest", "./pest", "pets2", "PETS"])
def test_a_folder_that_is_not_there_is_answered_with_the_nearest(tmp_path, monkeypatch, asked):
    folder(tmp_path / "pets", cat=3, dog=4)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        data(asked)
    lines = three_lines(caught.value)
    assert lines[0].startswith(f'There is no folder or table "{Path(asked)}"')
    assert "(2 folders, 7 images)" in lines[1]
    assert type_in(caught.value).classes == ("cat", "dog")


def test_a_misspelt_builtin_name_is_answered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match='"digits"') as caught:
        data("digit")
    assert len(type_in(caught.value).classes) == 10


def test_a_folder_with_nothing_similar_lists_what_is_there(tmp_path, monkeypatch):
    folder(tmp_path / "zebra", a=1)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match='There is: "zebra"'):
        data("./quux/more")


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("", "No data"),
        ("https://example.org/x.zip", "address"),
        (42, "int"),
        (None, "NoneType"),
        ("a\0b", "No data"),
    ],
)
def test_what_is_no_data_at_all_gets_three_lines(tmp_path, monkeypatch, what, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=says) as caught:
        data(what)
    three_lines(caught.value)


def test_a_single_image_or_an_archive_is_no_data_set(tmp_path):
    save(tmp_path / "cat" / "1.jpg", 1)
    (tmp_path / "pets.zip").write_bytes(b"PK")
    for name in ("cat/1.jpg", "pets.zip"):
        with pytest.raises(DataError) as caught:
            data(tmp_path / name)
        three_lines(caught.value)


def test_excluded_classes_are_left_out_and_misspelt_ones_answered(tmp_path):
    folder(tmp_path, cat=4, dog=4, lynx=1)
    assert data(tmp_path, exclude="lynx").classes == ("cat", "dog")
    with pytest.raises(DataError, match="lynk") as caught:
        data(tmp_path, exclude=("lynk",))
    assert "Did you mean lynx?" in str(caught.value)


def test_nothing_on_disk_changes(tmp_path):
    folder(tmp_path, cat=5, dog=5)
    (tmp_path / "cat" / "bad.jpg").write_bytes(encoded(3)[:200])
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in tmp_path.rglob("*") if p.is_file()}
    ds = data(tmp_path)
    ds.audit(), ds.show(4), ds._repr_mimebundle_()
    after = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in tmp_path.rglob("*") if p.is_file()}
    assert before == after
