# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import os

import pytest

from lepton_lab.datasets import ImageDataset, data
from lepton_lab.errors import DataError
from tests.datasets.trees import (
    codes,
    encoded,
    labels,
    problem,
    save,
    side_of,
    three_lines,
    type_in,
)


def photos(root, count=8):
    for i in range(count):
        save(root / "img" / f"{i}.jpg", i)
    return root


def table(path, rows, header="path,label", encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\n".join([header, *rows]).encode(encoding))
    return path


def rows(count=8, names=("ant", "bee"), mark=","):
    return [f"img/{i}.jpg{mark}{names[i % len(names)]}" for i in range(count)]


def test_paths_are_relative_to_the_table(tmp_path):
    ds = data(table(photos(tmp_path) / "labels.csv", rows()))
    assert ds.classes == ("ant", "bee")
    assert sorted(side_of(ds)) == [f"img/{i}.jpg" for i in range(8)]
    assert ds.name == "labels"
    assert (
        problem(ds, "guessed-columns").what
        == 'The column "path" as the image and "label" as the label was guessed.'
    )


def test_the_public_constructor_reads_tables(tmp_path):
    ds = ImageDataset.from_table(
        table(photos(tmp_path) / "t.csv", rows()), batch_size=4, image="path", label="label"
    )
    assert ds.batch_size == 4 and "guessed-columns" not in codes(ds)


def test_labels_are_text_exactly_as_written(tmp_path):
    names = ("NA", "007", "7", "null", "None", "1.0", "True", "nan")
    ds = data(table(photos(tmp_path, 16) / "labels.csv", rows(16, names)), val=0, test=0)
    assert set(ds.classes) == set(names)


def test_rows_without_a_label_are_left_out_and_said(tmp_path):
    ds = data(table(photos(tmp_path) / "t.csv", [*rows(6), "img/6.jpg,", "img/7.jpg,  "]))
    assert problem(ds, "unlabeled").ids == ("img/6.jpg", "img/7.jpg")


def test_labels_that_look_alike_are_said(tmp_path):
    ds = data(
        table(
            photos(tmp_path) / "t.csv",
            [f"img/{i}.jpg,{n}" for i, n in enumerate(["pos", "Pos", " pos", "neg"] * 2)],
        )
    )
    assert "' pos' and 'Pos' and 'pos'" in problem(ds, "similar-labels").what


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8-sig", "byte order mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("latin-1", "Latin-1"),
    ],
)
def test_the_encoding_is_found_out_and_said(tmp_path, encoding, said):
    ds = data(table(photos(tmp_path) / "t.csv", rows(names=("café", "thé")), encoding=encoding))
    assert ds.classes == ("café", "thé")
    assert said in problem(ds, "encoding").what


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_the_separator_is_found_out_and_said(tmp_path, mark):
    ds = data(table(photos(tmp_path) / "t.csv", rows(mark=mark), header=f"path{mark}label"))
    assert ds.classes == ("ant", "bee")
    assert "separated by" in problem(ds, "separator").what


def test_a_plain_file_says_nothing_about_encoding_or_separator(tmp_path):
    assert not {"encoding", "separator"} & codes(data(table(photos(tmp_path) / "t.csv", rows())))
    assert "separator" not in codes(
        data(table(tmp_path / "t.tsv", rows(mark="\t"), header="path\tlabel"))
    )


def test_ragged_rows_are_named_by_line(tmp_path):
    ds = data(table(photos(tmp_path) / "t.csv", [*rows(6), "img/6.jpg", "", "img/7.jpg,ant,extra"]))
    found = problem(ds, "ragged-rows")
    assert dict(zip(found.ids, found.details, strict=True)) == {
        "line 8": "1 cell",
        "line 10": "3 cells",
    }
    assert len(side_of(ds)) == 6


def test_images_that_are_not_there_are_left_out_and_named(tmp_path):
    ds = data(
        table(
            photos(tmp_path) / "t.csv",
            [*rows(), "img/gone.jpg,ant", "https://example.org/x.jpg,bee"],
        )
    )
    assert set(problem(ds, "missing").ids) == {"img/gone.jpg", "https://example.org/x.jpg"}


@pytest.mark.timeout(20)
def test_a_pipe_named_in_a_table_is_not_opened(tmp_path):
    os.mkfifo(photos(tmp_path) / "img" / "pipe.jpg")
    assert (
        problem(data(table(tmp_path / "t.csv", [*rows(), "img/pipe.jpg,ant"])), "unreadable").count
        == 1
    )


def test_two_rows_for_one_image_under_two_labels_are_a_conflict(tmp_path):
    ds = data(table(photos(tmp_path) / "t.csv", [*rows(), "img/0.jpg,bee"]))
    assert ds.audit()["label-conflicts"].pairs == (("img/0.jpg#10", "img/0.jpg#2"),)
    assert side_of(ds)["img/0.jpg#2"] == side_of(ds)["img/0.jpg#10"]


def test_a_misspelt_column_is_answered_with_the_nearest(tmp_path):
    path = table(
        photos(tmp_path) / "t.csv",
        [f"img/{i}.jpg,{'ab'[i % 2]},{i}" for i in range(8)],
        "file,species,weight",
    )
    with pytest.raises(DataError, match='no column "specie"') as caught:
        data(path, label="specie")
    assert "Did you mean species?" in three_lines(caught.value)[1]
    assert type_in(caught.value).classes == ("a", "b")


def test_columns_that_are_not_clear_are_asked_for(tmp_path):
    path = table(
        photos(tmp_path) / "t.csv",
        [f"img/{i}.jpg,{'ab'[i % 2]},{'cd'[i % 2]}" for i in range(8)],
        "file,one,two",
    )
    with pytest.raises(DataError, match="not clear which column") as caught:
        data(path)
    assert type_in(caught.value).classes == ("c", "d")


def test_a_column_of_splits_is_kept(tmp_path):
    sides = ["train"] * 4 + ["validation"] * 2 + ["test"] * 2
    path = table(
        photos(tmp_path) / "t.csv",
        [f"img/{i}.jpg,{'ab'[i % 2]},{s}" for i, s in enumerate(sides)],
        "path,label,split",
    )
    ds = data(path)
    assert side_of(ds) == {
        f"img/{i}.jpg": {"validation": "val"}.get(s, s) for i, s in enumerate(sides)
    }
    assert problem(ds, "split-column").severity == "info"


def test_a_column_called_set_with_other_words_is_not_a_split(tmp_path):
    path = table(
        photos(tmp_path) / "t.csv",
        [f"img/{i}.jpg,{'ab'[i % 2]},{i % 3}" for i in range(8)],
        "path,label,set",
    )
    assert problem(data(path), "split-column").severity == "warning"


def test_a_table_beside_a_folder_names_the_labels(tmp_path, monkeypatch):
    photos(tmp_path / "photos")
    table(
        tmp_path / "photos" / "labels.csv",
        [f"img/{i}.jpg,{'ab'[i % 2]},{i}" for i in range(8)],
        "file,species,n",
    )
    table(tmp_path / "outside.csv", [f"img/{i}.jpg,{'xy'[i % 2]}" for i in range(8)], "file,kind")
    monkeypatch.chdir(tmp_path)
    assert data("photos", label="labels.csv:species").classes == ("a", "b")
    assert data("photos", label="outside.csv:kind").classes == ("x", "y")
    assert ImageDataset.load_from_folder("photos", label="labels.csv:species").name == "photos"
    with pytest.raises(DataError, match=r"lables\.csv") as caught:
        data("photos", label="lables.csv:species")
    three_lines(caught.value)


def test_cells_without_suffix_find_their_image_by_its_name(tmp_path):
    photos(tmp_path)
    ds = data(table(tmp_path / "t.csv", [f"{i},{'ab'[i % 2]}" for i in range(8)], "id,breed"))
    assert len(side_of(ds)) == 8
    assert ds.train.read(0).shape == (40, 48, 3)


def test_many_numbers_as_labels_are_questioned(tmp_path):
    ds = data(
        table(photos(tmp_path, 60) / "t.csv", [f"img/{i}.jpg,{i / 7:.3f}" for i in range(60)]),
        val=0,
        test=0,
    )
    assert problem(ds, "numeric-labels").count == 60


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"path,label\n", "has no rows"),
        (b"path,label,label\na.jpg,x,y\n", 'are called "label"'),
        (b'path,label\na.jpg,"open\nb.jpg,y\n', "line 2"),
        (b"a,b\n1,2\n", "no column to learn"),
    ],
)
def test_broken_tables_end_in_three_lines(tmp_path, content, says):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        data(tmp_path / "t.csv")
    three_lines(caught.value)


def test_zero_bytes_in_a_table_do_no_harm(tmp_path):
    photos(tmp_path)
    (tmp_path / "t.csv").write_bytes(
        ("path,label\n" + "\n".join(rows())).encode().replace(b"ant", b"a\0nt")
    )
    assert data(tmp_path / "t.csv").classes == ("ant", "bee")


def test_a_cell_of_a_megabyte_is_told_and_not_swallowed(tmp_path):
    (tmp_path / "t.csv").write_text("path,label\n" + "x" * 2_000_000 + ",a\n")
    with pytest.raises(DataError, match="line 2"):
        data(tmp_path / "t.csv")


def test_quoted_cells_with_line_breaks_keep_the_line_numbers_right(tmp_path):
    photos(tmp_path)
    body = 'path,label,note\nimg/0.jpg,a,"two\nlines"\nimg/1.jpg,b\nimg/2.jpg,b,x\nimg/3.jpg,a,y\n'
    (tmp_path / "t.csv").write_text(body)
    ds = data(tmp_path / "t.csv", label="label", val=0, test=0)
    assert problem(ds, "ragged-rows").ids == ("line 4",)


def test_parquet_with_paths_and_with_bytes(tmp_path):
    pandas = pytest.importorskip("pandas")
    photos(tmp_path)
    names = [f"img/{i}.jpg" for i in range(8)]
    pandas.DataFrame({"path": names, "label": ["007", "NA"] * 4}).to_parquet(
        tmp_path / "paths.parquet"
    )
    assert data(tmp_path / "paths.parquet").classes == ("007", "NA")
    cells = [{"bytes": encoded(i), "path": f"{i}.jpg"} for i in range(8)]
    pandas.DataFrame({"image": cells, "label": [0, 1] * 4}).to_parquet(tmp_path / "bytes.parquet")
    ds = data(tmp_path / "bytes.parquet")
    assert ds.classes == ("0", "1") and sorted(side_of(ds)) == [f"{i}.jpg" for i in range(8)]
    assert ds.train.read(0).shape == (40, 48, 3)


def test_a_parquet_null_is_a_missing_label(tmp_path):
    pandas = pytest.importorskip("pandas")
    photos(tmp_path)
    frame = pandas.DataFrame(
        {"path": [f"img/{i}.jpg" for i in range(8)], "label": ["a", "b"] * 3 + [None, "a"]}
    )
    frame.to_parquet(tmp_path / "t.parquet")
    assert problem(data(tmp_path / "t.parquet"), "unlabeled").ids == ("img/6.jpg",)


def test_a_file_that_is_no_parquet_ends_in_three_lines(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="no readable Parquet") as caught:
        data(tmp_path / "t.parquet")
    three_lines(caught.value)


def test_a_misspelt_table_is_answered(tmp_path, monkeypatch):
    table(photos(tmp_path) / "labels.csv", rows())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"lables\.csv") as caught:
        data("lables.csv")
    assert type_in(caught.value).classes == ("ant", "bee")


def test_a_table_is_no_folder_and_a_folder_no_table(tmp_path):
    path = table(photos(tmp_path) / "labels.csv", rows())
    with pytest.raises(DataError, match="is a table, not a folder") as caught:
        ImageDataset.load_from_folder(path)
    assert type_in(caught.value).classes == ("ant", "bee")
    with pytest.raises(DataError, match="is a folder, not a table"):
        ImageDataset.from_table(tmp_path)


def test_labels_follow_the_rows(tmp_path):
    ds = data(table(photos(tmp_path) / "t.csv", rows()))
    for split in ds.splits():
        assert labels(split) == [("ant", "bee")[int(s.id[4:-4]) % 2] for s in split]
