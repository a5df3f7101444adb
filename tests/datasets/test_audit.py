# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from lepton_lab.datasets import checking, data
from lepton_lab.errors import NotFoundError
from lepton_lab.rendering import TEXT_LINES
from tests.datasets.trees import encoded, folder, picture, save, side_of


def put(path, image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    path.write_bytes(stream.getvalue())


@pytest.fixture
def zoo(tmp_path):
    """One file of each unusual kind among ordinary ones."""
    root = folder(tmp_path / "zoo", ant=12, bee=12)
    exif = Image.Exif()
    exif[0x0112] = 6
    put(root / "ant" / "cmyk.jpg", picture(201).convert("CMYK"), "JPEG")
    put(root / "ant" / "grey.jpg", picture(202).convert("L"), "JPEG")
    put(root / "ant" / "alpha.png", picture(203).convert("RGBA"), "PNG")
    put(root / "ant" / "palette.png", picture(204).convert("P"), "PNG")
    put(
        root / "ant" / "sixteen.png",
        Image.fromarray(np.arange(2400, dtype=np.uint16).reshape(40, 60) * 27),
        "PNG",
    )
    put(root / "bee" / "really_png.jpg", picture(205), "PNG")
    put(root / "bee" / "turned.jpg", picture(206), "JPEG", exif=exif)
    put(
        root / "bee" / "film.gif",
        picture(207),
        "GIF",
        save_all=True,
        append_images=[picture(208), picture(209)],
    )
    put(root / "bee" / "dot.png", picture(210, (1, 1)), "PNG")
    put(root / "bee" / "strip.png", picture(211, (400, 20)), "PNG")
    (root / "bee" / "zero.jpg").write_bytes(b"")
    (root / "bee" / "html.jpg").write_bytes(b"<!DOCTYPE html><html></html>")
    (root / "bee" / "cut.jpg").write_bytes(encoded(212, "JPEG", (200, 100))[:900])
    (root / "bee" / "UPPER.JPG").write_bytes(encoded(213))
    save(root / "stray.jpg", 214)
    return root


EXPECTED = {
    "cmyk": {"ant/cmyk.jpg"}, "grey": {"ant/grey.jpg"}, "alpha": {"ant/alpha.png"},
    "palette": {"ant/palette.png", "bee/film.gif"}, "sixteen-bit": {"ant/sixteen.png"},
    "wrong-extension": {"bee/really_png.jpg"}, "rotated": {"bee/turned.jpg"},
    "animated": {"bee/film.gif"},
    "sliver": {"bee/dot.png"}, "extreme-aspect": {"bee/strip.png"}, "zero-byte": {"bee/zero.jpg"},
    "not-an-image": {"bee/html.jpg"}, "truncated": {"bee/cut.jpg"}, "stray": {"stray.jpg"},
}  # fmt: skip


def test_each_kind_is_found_in_just_its_files(zoo):
    audit = data(zoo).audit()
    assert {code: set(audit[code].ids) for code in audit.codes} == EXPECTED
    for finding in audit:
        assert finding.count == len(finding.ids) and finding.what and finding.done


def test_only_unreadable_and_stray_files_are_left_out(zoo):
    ds = data(zoo)
    lost = (
        EXPECTED["zero-byte"] | EXPECTED["not-an-image"] | EXPECTED["truncated"] | EXPECTED["stray"]
    )
    files = {str(p.relative_to(zoo)) for p in zoo.rglob("*") if p.is_file()}
    assert set(side_of(ds)) == files - lost
    for split in ds.splits():
        for index in range(len(split)):
            assert split.read(index).dtype == np.uint8


def test_the_same_audit_when_loading_only_looked_at_headers(zoo, monkeypatch):
    expected = {code: set(data(zoo).audit()[code].ids) for code in EXPECTED}
    checking._known.clear()
    monkeypatch.setattr(checking, "DECODE_AT_MOST", 3)
    audit = data(zoo).audit()
    assert {code: set(audit[code].ids) for code in audit.codes} == expected


def test_a_clean_folder_has_no_findings(tmp_path):
    audit = data(folder(tmp_path, cat=10, dog=10)).audit()
    assert audit.codes == () and len(audit) == 0
    assert audit.text() == f'Audit of "{tmp_path.name}": 20 images, no findings'


def test_copies_in_a_class_under_two_labels_and_nearly_the_same(tmp_path):
    root = folder(tmp_path, cat=12, dog=12)
    shutil.copy(root / "cat" / "000.jpg", root / "cat" / "copy.jpg")
    shutil.copy(root / "cat" / "001.jpg", root / "dog" / "conflict.jpg")
    Image.open(root / "dog" / "002.jpg").resize((96, 80)).save(root / "dog" / "larger.png")
    ds = data(root)
    audit = ds.audit()
    assert audit["duplicates"].pairs == (("cat/000.jpg", "cat/copy.jpg"),)
    assert audit["label-conflicts"].pairs == (("cat/001.jpg", "dog/conflict.jpg"),)
    assert audit["near-duplicates"].pairs == (("dog/002.jpg", "dog/larger.png"),)
    sides = side_of(ds)
    assert (
        sides["cat/000.jpg"] == sides["cat/copy.jpg"]
        and sides["cat/001.jpg"] == sides["dog/conflict.jpg"]
    )
    assert "leakage" not in audit.codes


def test_near_copies_on_two_sides_are_counted_and_listed_first(tmp_path):
    folder(tmp_path / "train", cat=6, dog=6)
    folder(tmp_path / "val", cat=3, dog=3)
    for side, size in (("train", (90, 75)), ("val", (72, 60))):
        near = Image.open(tmp_path / "train" / "dog" / "003.jpg").resize(size)
        near.save(tmp_path / side / "dog" / "near.png")
    found = data(tmp_path).audit()["near-duplicates"]
    assert found.severity == "warning" and found.count == 3
    crossing = {
        ("train/dog/003.jpg", "val/dog/near.png"),
        ("train/dog/near.png", "val/dog/near.png"),
    }
    assert set(found.pairs[:2]) == crossing
    assert found.done.startswith("2 of them are on two sides of the split")


def test_a_copy_in_val_moves_to_train_unless_told_otherwise(tmp_path):
    folder(tmp_path / "train", cat=6, dog=6)
    folder(tmp_path / "val", cat=3, dog=3)
    folder(tmp_path / "test", cat=3, dog=3)
    for side in ("val", "test"):
        shutil.copy(tmp_path / "train" / "cat" / "000.jpg", tmp_path / side / "cat" / "copy.jpg")
    shutil.copy(tmp_path / "val" / "dog" / "001.jpg", tmp_path / "test" / "dog" / "copy2.jpg")
    ds = data(tmp_path)
    sides = side_of(ds)
    assert sides["val/cat/copy.jpg"] == sides["test/cat/copy.jpg"] == "train"
    assert sides["test/dog/copy2.jpg"] == "val"
    assert ds.audit()["moved-copies"].count == 3 and "leakage" not in ds.audit().codes
    kept = data(tmp_path, dedupe=False)
    assert {name: side for name, side in side_of(kept).items() if side != name.split("/")[0]} == {}
    leak = kept.audit()["leakage"]
    assert leak.severity == "error" and leak.count == 3


def test_tiny_and_unequal_classes_are_told(tmp_path):
    audit = data(folder(tmp_path, cat=60, dog=20, eel=3)).audit()
    assert audit["tiny-class"].ids == ("eel",)
    assert audit["imbalance"].ids == ("cat", "eel")


def test_findings_are_asked_for_by_code_or_place(zoo):
    audit = data(zoo).audit()
    assert audit[0].severity == "error" and "truncated" in audit and "truncate" not in audit
    with pytest.raises(NotFoundError, match="Did you mean truncated"):
        audit["truncate"]
    severities = [finding.severity for finding in audit]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)


def test_text_is_short_and_html_is_whole_and_without_script(zoo):
    audit = data(zoo).audit()
    shown = audit._repr_mimebundle_()
    assert len(shown["text/plain"].split("\n")) <= TEXT_LINES
    assert all(code in shown["text/plain"] for code in ("truncated", "not-an-image", "zero-byte"))
    assert all(code in shown["text/html"] for code in audit.codes)
    assert "<script" not in shown["text/html"]


def test_names_in_an_audit_are_escaped(tmp_path):
    root = folder(tmp_path, cat=5, dog=5)
    (root / "cat" / "<script>alert(1)<").mkdir()
    (root / "cat" / "<script>alert(1)<" / "x.jpg").write_bytes(b"")
    shown = data(root).audit()._repr_mimebundle_()
    assert "<script>" not in shown["text/html"] and "&lt;script&gt;" in shown["text/html"]


TRUTH = {
    "fine": None, "cut in half: report": "truncated", "0 bytes: report": "zero-byte",
    "text named .jpg: report": "not-an-image", "PNG content, .jpg name: load": "wrong-extension",
    "CMYK: convert to RGB": "cmyk", "grey: 3 channels": "grey", "RGBA: convert": "alpha",
    "palette: convert": "palette", "16-bit grey: scale, not clip to white": "sixteen-bit",
    "upper-case suffix: load": None, "EXIF orientation 6: show upright": "rotated",
    "exact duplicate inside a class": "duplicates",
    "same picture as hat/ok0.jpg under another label: conflict": "label-conflicts",
    "near duplicate of hat/ok1.jpg": "near-duplicates", "1x1": "sliver",
    "extreme aspect": "extreme-aspect",
    "spaces, non-ASCII and # in the name": None, "hidden: ignore": "junk", "junk: ignore": "junk",
    "animated GIF: first frame": "animated", "WebP: load": None,
    "image outside any class folder": "stray",
    "class folder with no image (git keeps no empty folder: create it in the test)": "empty-class",
}  # fmt: skip
LOST = {"truncated", "zero-byte", "not-an-image", "junk", "stray", "empty-class"}


@pytest.mark.shared
def test_every_row_of_the_dirty_images_is_treated_as_the_truth_says(shared_data, tmp_path):
    source = shared_data / "dirty-images"
    if not source.is_dir():
        pytest.skip("dirty-images is not among the shared data")
    root = tmp_path / "dirty"
    shutil.copytree(source, root)
    root.chmod(0o755)
    (root / "empty_class").mkdir()
    ds = data(root)
    audit = ds.audit()
    read = {sample.id: split.read(i) for split in ds.splits() for i, sample in enumerate(split)}
    for name, says in json.loads((source / "truth.json").read_text()).items():
        code, name = TRUTH[says], name.rstrip("/")
        if code:
            assert name in audit[code].ids, (name, says)
        assert (name in read) == (code not in LOST), (name, says)
        for other in set(audit.codes) - {code}:
            related = {"duplicates", "label-conflicts", "near-duplicates", "animated", "palette"}
            assert name not in audit[other].ids or other in related, (name, other)
    assert read["shoes/exif6.jpg"].shape[0] > read["shoes/exif6.jpg"].shape[1]
    assert read["shoes/sixteen_bit.png"].mean() < 250
    assert read["hat/grey.jpg"].shape[2] == read["hat/cmyk.jpg"].shape[2] == 3
