# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np
import pytest

from lepton_lab.datasets import ImageDataset, data
from lepton_lab.errors import DataError
from tests.datasets.trees import encoded, folder, labels, picture, problem, three_lines

datasets = pytest.importorskip("datasets")


def hub(count=12, names=("zebra", "ant"), start=0):
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(names))}
    )
    cells = {
        "image": [picture(start + i) for i in range(count)],
        "label": [i % len(names) for i in range(count)],
    }
    return datasets.Dataset.from_dict(cells, features=features)


def test_a_dataset_keeps_the_order_of_its_classes_and_its_pixels():
    ds = data(hub())
    assert ds.classes == ("zebra", "ant")
    for split in ds.splits():
        assert labels(split) == [("zebra", "ant")[int(s.id) % 2] for s in split]
    np.testing.assert_array_equal(ds.train.read(0), np.asarray(picture(int(ds.train[0].id))))


def test_a_dictionary_of_datasets_keeps_its_splits():
    ds = ImageDataset.from_hub(
        datasets.DatasetDict(train=hub(), validation=hub(4, start=50), other=hub(4, start=90))
    )
    assert (len(ds.train), len(ds.val), ds.test) == (12, 4, None)
    assert problem(ds, "other-splits").ids == ("other",)


def test_images_are_decoded_by_our_rules_not_by_the_librarys(tmp_path):
    folder(tmp_path, a=4, b=4)
    (tmp_path / "a" / "bad.jpg").write_bytes(encoded(1)[:300])
    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path), split="train", cache_dir=str(tmp_path / "c")
    )
    ds = data(loaded)
    assert problem(ds, "truncated").count == 1
    assert ds.classes == ("a", "b")
    assert ds.train.read_bytes(0)[:2] == b"\xff\xd8"


def test_missing_labels_are_left_out():
    table = hub()
    features = table.features
    rows = table.to_dict()
    rows["label"][3] = -1
    assert (
        problem(data(datasets.Dataset.from_dict(rows, features=features)), "unlabeled").count == 1
    )


def test_plain_columns_of_text_are_classes_when_named():
    features = datasets.Features({"picture": datasets.Image(), "kind": datasets.Value("string")})
    table = datasets.Dataset.from_dict(
        {"picture": [picture(i) for i in range(8)], "kind": ["NA", "007"] * 4}, features=features
    )
    assert data(table, label="kind").classes == ("007", "NA")
    with pytest.raises(DataError, match="recognized as the label") as caught:
        data(table)
    three_lines(caught.value)
    with pytest.raises(DataError, match='no column "kindd"') as caught:
        data(table, label="kindd")
    assert "Did you mean kind?" in str(caught.value)


def test_a_table_without_images_is_refused():
    table = datasets.Dataset.from_dict({"text": ["a", "b"], "label": ["x", "y"]})
    with pytest.raises(DataError, match="recognized as the image") as caught:
        ImageDataset.from_hub(table)
    three_lines(caught.value)


def test_a_name_that_cannot_be_fetched_ends_in_three_lines(monkeypatch):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    for call in (
        lambda: data("hub:no-such-data"),
        lambda: ImageDataset.from_hub("someone/no-such-data"),
    ):
        with pytest.raises(DataError, match="could not be fetched from the hub") as caught:
            call()
        three_lines(caught.value)


def test_a_path_that_could_be_a_folder_is_no_hub_name(tmp_path, monkeypatch):
    folder(tmp_path / "photos" / "pets", a=1)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no folder") as caught:
        data("photos/pest")
    assert "pets" in three_lines(caught.value)[1]
