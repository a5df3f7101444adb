# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lepton_lab as lab
from lepton_lab.datasets.labels.mask import RECORD
from lepton_lab.datasets.records import Finding, Reading
from lepton_lab.datasets.sources.masks import SOURCE
from lepton_lab.errors import DataError
from lepton_lab.spec import DataSpec
from tests.datasets.mask_trees import CLASSES, drawing, save, shapes


def read(root: Path, **options) -> Reading:
    assert SOURCE.recognizes(root) or options.get("masks")
    found = SOURCE.read(root, DataSpec(path=str(root), **options))
    assert isinstance(found, Reading)
    return found


def finding(reading: Reading, code: str) -> Finding:
    return next(f for f in reading.findings if f.code == code)


def test_images_and_masks_are_paired_by_name(tmp_path: Path) -> None:
    reading = read(shapes(tmp_path))
    assert reading.classes == CLASSES and reading.labels == "mask"
    assert [r.id for r in reading.records] == [f"images/{i:03d}.png" for i in range(6)]
    for i, record in enumerate(reading.records):
        np.testing.assert_array_equal(record.label.read(), drawing(i)[1])
        assert sum(record.label.pixels) == 48 * 40
    assert not reading.findings


@pytest.mark.parametrize("outside", [True, False])
def test_splits_outside_or_inside_the_folders(tmp_path: Path, outside: bool) -> None:
    for i, side in enumerate(("train", "train", "val", "test")):
        pixels, mask = drawing(i)
        inner = (side, "images") if outside else ("images", side)
        other = (side, "masks") if outside else ("masks", side)
        save(tmp_path.joinpath(*inner, f"{i}.png"), pixels)
        save(tmp_path.joinpath(*other, f"{i}_mask.png"), mask)
    reading = read(tmp_path)
    assert [r.split for r in sorted(reading.records, key=lambda r: r.payload.name)] == [
        "train", "train", "val", "test",
    ]  # fmt: skip


def test_pascal_voc_with_its_lists(tmp_path: Path) -> None:
    for i in range(4):
        pixels, mask = drawing(i)
        save(tmp_path / "JPEGImages" / f"2007_{i}.jpg", pixels)
        if i < 3:
            image = Image.fromarray(mask, "P")
            image.putpalette(list(range(256)) * 3)
            (tmp_path / "SegmentationClass").mkdir(exist_ok=True)
            image.save(tmp_path / "SegmentationClass" / f"2007_{i}.png")
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2007_0\n2007_1\n")
    (lists / "val.txt").write_text("2007_2\n")
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations" / "2007_0.xml").write_text("<annotation/>")
    reading = read(tmp_path)
    assert {r.payload.stem: r.split for r in reading.records} == {
        "2007_0": "train", "2007_1": "train", "2007_2": "val",
    }  # fmt: skip


@pytest.mark.parametrize("folders", [True, False])
def test_one_file_per_class(tmp_path: Path, folders: bool) -> None:
    for i in range(3):
        pixels, mask = drawing(i)
        save(tmp_path / "images" / f"p_{i}.png", pixels)
        for index in (1, 2):
            name = f"p_{i}/{CLASSES[index]}" if folders else f"p_{i}_{CLASSES[index]}"
            save(tmp_path / "masks" / f"{name}.png", (mask == index).astype(np.uint8) * 255)
    reading = read(tmp_path)
    assert reading.classes == ("background", "box", "disc")
    found, mask = reading.records[0].label.read(), drawing(0)[1]
    np.testing.assert_array_equal(found == 1, mask == 2)
    np.testing.assert_array_equal(found == 0, mask == 0)
    assert finding(reading, "layers").what.startswith('One file per class: "box", "disc"')


def test_pixels_of_two_classes_are_of_none(tmp_path: Path) -> None:
    pixels, _ = drawing(0)
    for name, columns in (("left", slice(0, 30)), ("right", slice(20, 48))):
        mask = np.zeros((40, 48), np.uint8)
        mask[:, columns] = 1
        save(tmp_path / "masks" / f"a_{name}.png", mask)
    save(tmp_path / "images" / "a.png", pixels)
    found = read(tmp_path).records[0].label.read()
    assert set(found[:, 20:30].ravel()) == {255} and found[0, 0] == 1 and found[0, 47] == 2


def test_black_and_white_masks_show_one_thing(tmp_path: Path) -> None:
    for i in range(3):
        pixels, mask = drawing(i)
        save(tmp_path / "images" / f"{i}.png", pixels)
        save(tmp_path / "masks" / f"{i}_polyp.png", (mask == 1).astype(np.uint8) * 255)
    reading = read(tmp_path)
    assert reading.classes == ("background", "polyp")
    assert set(np.unique(reading.records[0].label.read())) == {0, 1}
    assert finding(reading, "binary-masks").count == 2


def test_without_a_file_of_classes_the_values_name_them_and_255_is_no_class(tmp_path: Path) -> None:
    root = shapes(tmp_path, names=False)
    _, mask = drawing(0)
    mask[:5] = 255
    save(root / "masks" / "000.png", mask)
    reading = read(root)
    assert reading.classes == ("class 0", "class 1", "class 2")
    assert (reading.records[0].label.read()[:5] == 255).all()
    assert "classes.txt" in finding(reading, "unnamed-classes").done


CLASS_FILES = {
    "numbered": ("labels.txt", "0 background\n1 disc\n2: box\n"),
    "a list": ("classes.json", json.dumps(list(CLASSES))),
    "by number": ("id2label.json", json.dumps({"2": "box", "0": "background", "1": "disc"})),
    "by name": ("classes.json", json.dumps({"background": 0, "disc": 1, "box": 2})),
    "byte order mark": ("classes.txt", "\ufeffbackground\ndisc\nbox\n\n"),
}


def test_a_file_of_classes_in_utf_16(tmp_path: Path) -> None:
    root = shapes(tmp_path, names=False)
    (root / "classes.txt").write_text("\n".join(CLASSES), "utf-16")
    assert read(root).classes == CLASSES


@pytest.mark.parametrize("which", CLASS_FILES)
def test_files_of_classes(tmp_path: Path, which: str) -> None:
    root = shapes(tmp_path, names=False)
    name, text = CLASS_FILES[which]
    (root / name).write_text(text, "utf-8")
    assert read(root).classes == CLASSES


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_colored_masks_with_named_colors(tmp_path: Path, kind: str) -> None:
    colors = np.array([[0, 0, 0], [200, 0, 0], [0, 0, 200]], np.uint8)
    for i in range(3):
        pixels, mask = drawing(i)
        save(tmp_path / "images" / f"{i}.png", pixels)
        save(tmp_path / "masks" / f"{i}.png", colors[mask * (i > 0)])
    if kind == "json":
        named = {name: color.tolist() for name, color in zip(CLASSES, colors, strict=True)}
        (tmp_path / "classes.json").write_text(json.dumps(named))
    else:
        rows = [f"{name},{','.join(map(str, c))}" for name, c in zip(CLASSES, colors, strict=True)]
        (tmp_path / "class_dict.csv").write_text("\n".join(["name, r, g, b", *rows]))
    reading = read(tmp_path)
    assert sorted(reading.classes or ()) == sorted(CLASSES)
    black, other = reading.records[0].label, reading.records[1].label
    names = np.array(reading.classes)
    assert set(names[black.read()].ravel()) == {"background"}
    np.testing.assert_array_equal(names[other.read()], np.array(CLASSES)[drawing(1)[1]])


def test_colored_masks_without_names_are_named_by_color(tmp_path: Path) -> None:
    colors = np.array([[0, 0, 0], [200, 0, 0], [0, 0, 200]], np.uint8)
    for i in range(2):
        pixels, mask = drawing(i)
        save(tmp_path / "images" / f"{i}.png", pixels)
        save(tmp_path / "masks" / f"{i}.png", colors[mask * i])
    assert read(tmp_path).classes == ("#000000", "#0000c8", "#c80000")


def test_what_cannot_be_used_is_left_out_and_told(tmp_path: Path) -> None:
    root = shapes(tmp_path, 8)
    pixels, mask = drawing(20)
    save(root / "images" / "bare.png", pixels)
    save(root / "masks" / "lonely.png", mask)
    save(root / "masks" / "001.png", drawing(1, (24, 20))[1])
    (root / "masks" / "002.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    save(root / "masks" / "003.png", np.full((40, 48), 255, np.uint8))
    save(root / "masks" / "004.png", np.zeros((40, 48), np.uint8))
    save(root / "masks" / "005.png", np.where(drawing(5)[1] == 2, 9, 1).astype(np.uint8))
    reading = read(root)
    assert [r.payload.stem for r in reading.records] == ["000", "004", "005", "006", "007"]
    assert finding(reading, "no-mask").ids == ("images/bare.png",)
    assert finding(reading, "no-image").ids == ("masks/lonely.png",)
    assert finding(reading, "mask-size").details == ("mask 24 × 20, image 48 × 40",)
    assert finding(reading, "bad-mask").ids == ("images/002.png",)
    assert finding(reading, "empty-mask").ids == ("images/003.png",)
    assert finding(reading, "plain-mask").ids == ("images/004.png",)
    assert '"9"' in finding(reading, "unknown-values").what
    odd = next(r for r in reading.records if r.payload.stem == "005").label.read()
    assert set(np.unique(odd)) == {1, 255}


def test_a_mask_of_a_photo_that_exif_turns_does_not_fit(tmp_path: Path) -> None:
    root = shapes(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(drawing(0)[0]).save(root / "images" / "000.jpg", exif=exif)
    (root / "images" / "000.png").unlink()
    reading = read(root)
    assert "turns upright" in finding(reading, "mask-size").details[0]


def test_a_folder_of_masks_elsewhere(tmp_path: Path) -> None:
    shapes(tmp_path / "one")
    (tmp_path / "one" / "masks").rename(tmp_path / "truth")
    root = tmp_path / "one"
    assert not SOURCE.recognizes(root)
    assert len(read(root, masks=str(tmp_path / "truth")).records) == 6
    data = lab.data(root, masks=str(tmp_path / "truth"))
    assert data.task == "semantic-segmentation" and data.classes == CLASSES


def test_a_class_that_is_left_out_is_no_class(tmp_path: Path) -> None:
    data = lab.data(shapes(tmp_path, 12), exclude="box")
    assert data.classes == ("background", "disc")
    masks = [sample.label for split in data.splits() for sample in split]
    assert all(set(np.unique(mask.read())) <= {0, 1, 255} for mask in masks)
    assert any((mask.read() == 255).any() for mask in masks)
    assert all(set(mask.pixels) <= {0, 1} for mask in masks)
    with pytest.raises(DataError, match='no class "bocks" to leave out'):
        lab.data(tmp_path, exclude="bocks")


def test_nothing_that_fits_ends_in_three_lines(tmp_path: Path) -> None:
    root = shapes(tmp_path / "names", 2)
    for path in (root / "masks").iterdir():
        path.rename(path.with_name(f"x{path.name}"))
    with pytest.raises(DataError, match=r"No mask .* has the name of an image"):
        read(root)
    with pytest.raises(DataError, match="nowhere"):
        lab.data(tmp_path / "nowhere", masks="masks")
    root = shapes(tmp_path / "sizes", 2)
    for path in (root / "masks").iterdir():
        save(path, np.ones((7, 7), np.uint8))
    with pytest.raises(DataError, match=r"(?s)No mask .* can be used.*mask 7 × 7, image 48 × 40"):
        read(root)


def test_too_many_values_are_no_classes(tmp_path: Path) -> None:
    root = shapes(tmp_path, 2, names=False)
    values = np.arange(40 * 48, dtype=np.uint16).reshape(40, 48) % 400
    Image.fromarray(values).save(root / "masks" / "000.png")
    with pytest.raises(DataError, match="399 different values"):
        read(root)


def test_folders_of_boxes_and_of_classes_are_not_recognized(tmp_path: Path) -> None:
    shapes(tmp_path / "yolo")
    for path in (tmp_path / "yolo" / "masks").iterdir():
        path.rename(path.with_suffix(".txt"))
    (tmp_path / "yolo" / "masks").rename(tmp_path / "yolo" / "labels")
    save(tmp_path / "classes" / "cat" / "a.png", drawing(0)[0])
    assert not SOURCE.recognizes(tmp_path / "yolo")
    assert not SOURCE.recognizes(tmp_path / "classes")
    assert not SOURCE.recognizes(tmp_path / "nowhere")
    assert not SOURCE.recognizes(12)


def test_the_label_counts_pixels_and_knows_its_rarest_class(tmp_path: Path) -> None:
    root = shapes(tmp_path, 4)
    for i in (0, 1):
        save(root / "masks" / f"{i:03d}.png", np.minimum(drawing(i)[1], 1))
    records = read(root).records
    assert [r.label.rarest for r in records] == ["background", "background", "box", "box"]
    assert RECORD.stratum(records[3].label) == "box"
    mask = RECORD.encode(records[3].label, {"box": 0, "background": 1})
    truth = drawing(3)[1]
    found = mask.read()
    np.testing.assert_array_equal(found == 0, truth == 2)
    np.testing.assert_array_equal(found == 255, truth == 1)
    assert mask.pixels == {0: int((truth == 2).sum()), 1: int((truth == 0).sum())}
    assert RECORD.words(mask, ("box", "background")).startswith("background ")
    assert set(RECORD.indexes(mask)) == {0, 1}
    other = RECORD.encode(records[2].label, {"box": 0, "background": 1})
    assert repr(mask) != repr(other) and str(tmp_path) not in repr(mask)
