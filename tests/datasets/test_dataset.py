# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pickle
import random
import shutil
import subprocess
import sys

import numpy as np
import pytest

from lepton_lab.datasets import Dataset, ImageDataset, Record, Source, data
from lepton_lab.datasets.sources import sources
from lepton_lab.errors import DataError, SpecError
from lepton_lab.rendering import TEXT_LINES
from tests.datasets.trees import encoded, folder, problem, save, side_of, three_lines


def test_importing_and_naming_costs_no_framework():
    script = (
        "import sys; from lepton_lab.datasets import data, ImageDataset, order, training_transform;"
        "from lepton_lab.datasets.sources import sources; sources.names();"
        "heavy = {'torch', 'torchvision', 'timm', 'transformers', 'pandas', 'IPython', 'plotly'};"
        "heavy |= {'sklearn', 'datasets', 'pyarrow'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert run.stdout.strip() == "[]", run.stderr


def test_the_sources_are_named_and_described():
    names = sources.names()
    assert names.index("rows") < names.index("folder") < names.index("table") < names.index("hub")
    assert all(record.description.endswith(".") for record in sources)


def test_a_source_from_outside_that_yields_plain_records_works():
    def read(source, spec):
        for i in range(source["count"]):
            yield Record(f"{i}", np.full((40, 40, 3), i, np.uint8), "odd" if i % 2 else "even")

    record = Source(
        "counting", "Numbers as pictures.", lambda s: isinstance(s, dict) and "count" in s, read
    )
    sources.register(record)
    try:
        ds = data({"count": 20})
    finally:
        del sources._records["counting"]
    assert ds.classes == ("even", "odd") and ds.name == "counting" and len(side_of(ds)) == 20


def test_a_loaded_data_set_is_itself_and_options_for_it_are_refused(tmp_path):
    ds = data(folder(tmp_path, a=4, b=4))
    assert data(ds) is ds
    with pytest.raises(DataError, match="loaded already") as caught:
        data(ds, val=0.3)
    three_lines(caught.value)


def test_the_train_split_is_a_map_style_dataset(tmp_path):
    import torch

    ds = data(folder(tmp_path, a=10, b=10))
    assert len(ds) == len(ds.train)
    image, label = ds[3]
    np.testing.assert_array_equal(image, ds.train.read(3))
    assert image.flags.writeable and label == ds.train[3].label
    assert len(list(ds)) == len(ds) and len(ds[2:5]) == 3
    images, labels = next(iter(torch.utils.data.DataLoader(ds, batch_size=5)))
    assert (
        images.shape == (5, 40, 48, 3)
        and images.dtype == torch.uint8
        and labels.dtype == torch.int64
    )


def test_options_are_checked_before_anything_is_read(tmp_path):
    folder(tmp_path, a=4, b=4)
    with pytest.raises(SpecError, match=r"There is no option 'vall'\. Did you mean val"):
        data(tmp_path, vall=0.2)
    with pytest.raises(SpecError, match="`--val`"):
        ImageDataset.load_from_folder(tmp_path, val="much")


def test_broken_files_are_left_out_or_stop_the_loading(tmp_path):
    folder(tmp_path, cat=5, dog=5)
    (tmp_path / "cat" / "zero.jpg").write_bytes(b"")
    (tmp_path / "dog" / "html.jpg").write_bytes(b"<html>")
    (tmp_path / "dog" / "cut.jpg").write_bytes(encoded(9, "JPEG", (300, 200))[:1000])
    ds = data(tmp_path)
    assert len(side_of(ds)) == 10
    assert problem(ds, "zero-byte").ids == ("cat/zero.jpg",)
    assert "3 of 13 files cannot be read and were left out." in repr(ds)
    with pytest.raises(DataError, match="3 of 13 files cannot be read") as caught:
        data(str(tmp_path), clean="stop")
    lines = three_lines(caught.value)
    assert "cat/zero.jpg (the file is empty (0 bytes))" in lines[1] and "clean='skip'" in lines[2]


def test_the_fingerprint_names_the_content_and_not_the_place(tmp_path):
    a = folder(tmp_path / "a", cat=6, dog=6)
    shutil.copytree(a, tmp_path / "b")
    first = data(a).fingerprint()
    assert data(tmp_path / "b").fingerprint() == first == data(a).fingerprint()
    assert data(a, seed=7).fingerprint() != first
    assert data(a, val=0.3).fingerprint() != first
    pixels = (tmp_path / "b" / "cat" / "000.jpg").read_bytes()
    (tmp_path / "b" / "cat" / "000.jpg").write_bytes(pixels + b"\0")
    assert data(tmp_path / "b").fingerprint() != first
    (tmp_path / "b" / "cat" / "000.jpg").write_bytes(pixels)
    (tmp_path / "b" / "cat" / "000.jpg").rename(tmp_path / "b" / "cat" / "zzz.jpg")
    assert data(tmp_path / "b").fingerprint() != first


def test_the_split_does_not_depend_on_the_order_in_which_records_come(tmp_path):
    paths = [save(tmp_path / f"{i}.jpg", i) for i in range(40)]
    records = [Record(p.name, p, "ab"[i % 2]) for i, p in enumerate(paths)]

    def load(order):
        source = Source("listed", "A list.", lambda s: s == ["listed"], lambda s, spec: order)
        sources.register(source)
        try:
            return data(["listed"])
        finally:
            del sources._records["listed"]

    first = load(records)
    shuffled = list(records)
    random.Random(3).shuffle(shuffled)
    second = load(shuffled)
    assert side_of(first) == side_of(second) and first.fingerprint() == second.fingerprint()
    assert [s.id for s in first.train] == [s.id for s in second.train]


def test_splits_are_asked_for_by_name(tmp_path):
    folder(tmp_path / "train", a=5, b=5)
    folder(tmp_path / "val", a=2, b=2)
    ds = data(tmp_path)
    assert ds.split("val") is ds.val and [s.name for s in ds.splits()] == ["train", "val"]
    with pytest.raises(DataError, match='no split "test"') as caught:
        ds.split("test")
    assert "train, val" in three_lines(caught.value)[1]


def test_pandas_gets_a_row_per_sample(tmp_path):
    ds = data(folder(tmp_path, a=6, b=6))
    frame = ds.to_pandas()
    assert list(frame.columns) == ["id", "label", "split", "width", "height", "bytes"]
    assert dict(zip(frame["id"], frame["split"], strict=True)) == side_of(ds)
    assert set(frame["width"]) == {48} and (frame["bytes"] > 0).all()


def test_a_data_set_can_be_pickled(tmp_path):
    ds = data(folder(tmp_path, a=6, b=6))
    copy = pickle.loads(pickle.dumps(ds))
    assert copy.fingerprint() == ds.fingerprint() and isinstance(copy, Dataset)
    np.testing.assert_array_equal(copy[0][0], ds[0][0])


def test_what_others_rely_on_is_there(tmp_path):
    ds = data(folder(tmp_path, a=6, b=6))
    assert (ds.content, ds.task, ds.batch_size, ds.shuffle, ds.flip_safe) == (
        "image",
        "image-classification",
        None,
        True,
        True,
    )
    assert ds.spec.path == str(tmp_path) and ds.held_out is ds.test
    assert isinstance(ds.problems, list)


def test_the_text_card_is_short_and_says_the_sizes(tmp_path):
    ds = data(folder(tmp_path, **{f"class{i:02d}": 4 + i for i in range(30)}))
    lines = repr(ds).split("\n")
    assert len(lines) <= TEXT_LINES
    assert lines[0] == f'"{tmp_path.name}": 555 images, 30 classes'
    assert "all 48 × 40 pixels" in lines[2]
    assert any("class29" in line and "33" in line for line in lines)
    assert any("26 more, the smallest with 4" in line for line in lines)
    assert lines[-1] == "next: ds.audit(), ds.show(12)"


def test_the_html_card_has_bars_problems_and_pictures_and_no_script(tmp_path):
    folder(tmp_path, cat=9, dog=9)
    (tmp_path / "cat" / "<b>zero.jpg").write_bytes(b"")
    html = data(tmp_path)._repr_mimebundle_()["text/html"]
    assert html.count("<svg") == 2 and "13 held out" not in html
    assert html.count("data:image/jpeg;base64,") == 12
    assert "&lt;b&gt;zero.jpg" in html and "<b>zero" not in html
    assert "<script" not in html and "http" not in html
    assert len(html) < 80_000


def test_showing_samples_spreads_over_the_classes_and_disturbs_no_generator(tmp_path):
    import torch

    ds = data(folder(tmp_path, a=20, b=5, c=5), val=0, test=0)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    plain, changed = ds.show(6), ds.show(6, augment="strong")
    assert torch.equal(torch.get_rng_state(), before)
    assert plain.captions == ["a", "a", "b", "b", "c", "c"] == changed.captions
    assert plain.html() == ds.show(6).html() != changed.html()
    assert changed.html() == ds.show(6, augment="strong").html()
    assert len(plain.text().split("\n")) <= TEXT_LINES
    assert len(ds.show(500).captions) == 30
    with pytest.raises(DataError, match='no split "test"'):
        ds.show(4, split="test")


def test_class_names_are_escaped_in_pictures(tmp_path):
    for name in ('"><script>alert(1)<', "ok"):
        for i in range(4):
            save(tmp_path / name / f"{i}.jpg", len(name) * 10 + i)
    ds = data(tmp_path)
    for html in (ds.show(4).html(), ds._repr_mimebundle_()["text/html"]):
        assert "<script>" not in html and "&lt;script&gt;" in html


def test_tiny_pictures_are_shown_pixel_for_pixel():
    html = data("digits").show(4).html()
    assert html.count("data:image/png;base64,") == 4 and "image-rendering:pixelated" in html


@pytest.mark.shared
def test_clothing_keeps_its_split_and_its_one_leak_is_found(shared_data):
    ds = data(shared_data / "clothing10")
    assert (len(ds.train), len(ds.val), ds.test, len(ds.classes)) == (600, 186, None, 10)
    audit = ds.audit()
    assert audit["near-duplicates"].pairs == (("train/t-shirt/004.jpg", "val/t-shirt/000.jpg"),)
    assert not {"truncated", "unreadable", "label-conflicts", "leakage"} & set(audit.codes)
