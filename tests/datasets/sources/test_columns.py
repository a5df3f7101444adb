# SPDX-License-Identifier: BSD-3-Clause
"""One reader for all tables: dialects, damage, memory; and what a table is told to be for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas
import pytest

from lepton_lab.datasets.sources.columns import is_table, read_table, tell_task
from lepton_lab.errors import DataError
from lepton_lab.spec import DataSpec

ROWS = [("good, really good", "007"), ("quite bad", "NA"), ("so-so", "")]


def csv_of(mark: str) -> str:
    quoted = [(f'"{text}"', label) for text, label in ROWS]
    return "\n".join(mark.join(row) for row in [("text", "label"), *quoted]) + "\n"


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (csv_of(",").encode(), []),
        (b"\xef\xbb\xbf" + csv_of(",").encode(), ["encoding"]),
        (csv_of(",").encode("utf-16"), ["encoding"]),
        (csv_of(";").encode("utf-16-le"), ["encoding", "separator"]),
        (csv_of(";").encode(), ["separator"]),
        (csv_of("\t").encode(), ["separator"]),
    ],
)
def test_a_table_is_the_same_in_every_dialect(tmp_path, data, codes):
    (tmp_path / "t.csv").write_bytes(data)
    found = read_table(tmp_path / "t.csv")
    assert found.names == ["text", "label"]
    assert [(r["text"], r["label"]) for r in found.rows] == ROWS
    assert [finding.code for finding in found.findings] == codes


def test_ragged_rows_are_named_by_their_line_and_left_out(tmp_path):
    (tmp_path / "t.csv").write_text("text,label\nfine,a\nbroken,b,c\nshort\nfine too,b\n")
    found = read_table(tmp_path / "t.csv")
    assert [row["text"] for row in found.rows] == ["fine", "fine too"]
    assert found.findings[0].code == "ragged-rows" and found.findings[0].ids == ("line 3", "line 4")


def test_json_lines_name_broken_lines_and_missing_fields(tmp_path):
    lines = [
        '{"text": "a", "label": 1}',
        "",
        "{broken",
        '"only text"',
        '{"text": "b", "label": null}',
        '{"text": "c"}',
    ]
    (tmp_path / "t.jsonl").write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode())
    found = read_table(tmp_path / "t.jsonl")
    assert found.rows == [
        {"text": "a", "label": "1"},
        {"text": "b", "label": None},
        {"text": "c", "label": None},
    ]
    by_code = {finding.code: finding for finding in found.findings}
    assert by_code["broken-lines"].ids == ("line 3", "line 4")
    assert by_code["missing-fields"].ids == ("line 6",) and "encoding" in by_code
    assert found.ids == ["row 000001", "row 000005", "row 000006"]


def test_a_json_list_is_a_table_and_another_json_file_is_none(tmp_path):
    (tmp_path / "t.json").write_text(json.dumps([{"text": "a", "n": 1.0}, {"text": "b", "n": 0.5}]))
    assert read_table(tmp_path / "t.json").column("n") == ["1", "0.5"]
    (tmp_path / "coco.json").write_text('{"images": []}')
    assert is_table(tmp_path / "t.json") and not is_table(tmp_path / "coco.json")


def test_parquet_keeps_text_as_text_and_lists_as_lists(tmp_path):
    frame = pandas.DataFrame({"text": ["a", None], "code": ["007", "NA"], "tags": [["x", "y"], []]})
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").rows == [
        {"text": "a", "code": "007", "tags": ["x", "y"]},
        {"text": None, "code": "NA", "tags": []},
    ]


def test_a_folder_of_splits_is_one_table(tmp_path):
    for side, text in (("train", "one"), ("dev", "two")):
        (tmp_path / f"{side}.csv").write_text(f"label,text\nx,{text}\n")
    (tmp_path / "README.md").write_text("about")
    found = read_table(tmp_path)
    assert found.splits == ["train", "val"] and found.column("text") == ["one", "two"]
    assert found.ids == ["train/row 000002", "val/row 000002"]
    (tmp_path / "dev.csv").write_text("label\nx\n")
    with pytest.raises(DataError, match='table of val has no column "text"'):
        read_table(tmp_path)
    (tmp_path / "images").mkdir()
    assert not is_table(tmp_path)


def test_tables_in_memory_are_read_like_files():
    frame = pandas.DataFrame({"text": ["a", "b"], "stars": [1.0, np.nan], "ok": [True, False]})
    found = read_table(frame)
    assert found.rows[0] == {"text": "a", "stars": "1", "ok": "true"}
    assert found.rows[1]["stars"] is None
    assert read_table((["a", "b"], np.array([1, 0]))).column("label") == ["1", "0"]
    pair = read_table(([("a", "b"), ("c", "d")], ["x", "y"]))
    assert pair.names == ["text_a", "text_b", "label"]
    both = read_table({"train": frame, "test": frame, "extra": frame})
    assert both.splits == ["train"] * 2 + ["test"] * 2
    assert [f.code for f in both.findings] == ["other-splits"]
    with pytest.raises(DataError, match="2 texts but 1 label"):
        read_table((["a", "b"], ["x"]))


def test_objects_of_the_datasets_library_bring_their_class_names():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["neg", "pos"]),
            "topics": datasets.Sequence(datasets.ClassLabel(names=["a", "b"])),
        }
    )
    table = datasets.Dataset.from_dict(
        {"text": ["x", "y", "z"], "label": [1, 0, -1], "topics": [[0], [0, 1], []]},
        features=features,
    )
    found = read_table(datasets.DatasetDict({"train": table, "validation": table}))
    assert found.column("label")[:3] == ["pos", "neg", None]
    assert found.column("topics")[:3] == [["a"], ["a", "b"], []]
    assert found.classes["label"] == ("neg", "pos") and found.splits[-1] == "val"


def told(rows, **options):
    found = tell_task(read_table(rows), DataSpec(**options))
    return found.task, found.columns


TEXTS = [f"this is sentence number {i}" for i in range(30)]


@pytest.mark.parametrize(
    ("rows", "task", "columns"),
    [
        ([{"review": t, "stars": i % 5} for i, t in enumerate(TEXTS)], "text-classification", {"text": "review", "label": "stars"}),
        (
            [{"id": i, "lang": "en", "day": "Mo", "user": f"u{i}", "text": t, "sentiment": "pn"[i % 2]} for i, t in enumerate(TEXTS)],
            "text-classification", {"text": "text", "label": "sentiment"},
        ),
        ([{"premise": t, "hypothesis": "x", "label": "yn"[i % 2]} for i, t in enumerate(TEXTS)], "text-classification", {"text": "premise,hypothesis", "label": "label"}),
        ([{"a": "我们明天在北京见面吧" + str(i), "b": "xy"[i % 2]} for i in range(30)], "text-classification", {"text": "a", "label": "b"}),
        ([{"words": t.split(), "ner_tags": ["O"] * 5} for t in TEXTS], "token-classification", {"tokens": "words", "tags": "ner_tags"}),
        ([{"file": f"{i}.jpg", "kind": "ab"[i % 2]} for i in range(9)], "image-classification", {"image": "file"}),
        ([{"clip": f"{i}.wav", "kind": "ab"[i % 2]} for i in range(9)], "audio-classification", {"audio": "clip", "label": "kind"}),
        ([{"age": i, "city": "ab"[i % 2], "churn": "yn"[i % 2]} for i in range(30)], "tabular-classification", {"label": "churn"}),
        ([{"age": i, "rooms": i % 4, "price": i / 7} for i in range(90)], "tabular-regression", {"label": "price"}),
    ],
)  # fmt: skip
def test_the_task_is_told_from_the_columns(rows, task, columns):
    assert told(rows) == (task, columns)


def test_named_columns_and_a_named_task_overrule_what_was_told():
    rows = [
        {"title": t, "body": t + " more", "kind": "ab"[i % 2], "other": i}
        for i, t in enumerate(TEXTS)
    ]
    assert told(rows, text="body", label="other")[1] == {"text": "body", "label": "other"}
    assert told(rows, task="tabular-classification", label="kind")[0] == "tabular-classification"
    with pytest.raises(DataError, match='no column "bodi"') as caught:
        told(rows, text="bodi")
    assert "body" in str(caught.value) and caught.value.todo
    with pytest.raises(DataError, match="does not look like token-classification"):
        told(rows, task="token-classification")
    with pytest.raises(DataError, match="which column") as caught:
        told([{"text": t, "a": "x", "b": "y"} for t in TEXTS])
    assert "label=" in str(caught.value)


def test_a_folder_with_tables_is_found_by_its_path_only(tmp_path: Path):
    assert not is_table(tmp_path) and not is_table("no such\0path") and not is_table(7)
    assert not is_table((np.zeros((3, 8, 8)), [0, 1, 2]))
