# SPDX-License-Identifier: BSD-3-Clause
"""Tables as people have them: what is found before the first step, and what is done about it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lepton_lab.datasets.dataset import data
from lepton_lab.errors import DataError


def rows(n: int = 60, **more: Any) -> list[dict[str, Any]]:
    """Rows with a number and a category that say something of the class."""
    chance = random.Random(0)
    made = []
    for i in range(n):
        row = {"age": chance.randint(20, 70), "plan": chance.choice(["basic", "full", "free"])}
        row |= {name: value(i) if callable(value) else value for name, value in more.items()}
        row["churn"] = "yes" if row["age"] + chance.randint(-15, 15) > 50 else "no"
        made.append(row)
    return made


def features(ds) -> list[str]:
    return list(ds.train.read(0))


def found(ds, code: str):
    return next(f for f in ds.problems if f.code == code)


def test_a_table_is_read_for_its_target():
    ds = data(rows())
    assert (ds.task, ds.content, ds.columns) == (
        "tabular-classification",
        "row",
        {"label": "churn"},
    )
    assert ds.classes == ("no", "yes")
    assert features(ds) == ["age", "plan"]
    assert all(isinstance(value, str) for value in ds.train.read(0).values())
    assert "2: 1 number, 1 category" in repr(ds)


def test_a_number_as_target_is_regression_and_both_can_be_asked_for():
    priced = [{**row, "price": row["age"] * 10.5 + i} for i, row in enumerate(rows())]
    ds = data(priced, label="price")
    assert (ds.task, ds.classes) == ("tabular-regression", ())
    assert isinstance(ds.train[0].label, float)
    assert data(rows(), label="age", task="tabular-regression").task == "tabular-regression"
    assert data(rows(), label="plan").classes == ("basic", "free", "full")


@pytest.mark.parametrize(
    ("column", "code"),
    [
        (lambda i: f"C-{i * 7919 % 1000:04d}", "id-columns"),
        (lambda i: i + 1, "id-columns"),
        ("the same", "constant-columns"),
        (None, "empty-columns"),
        (lambda i: f"called at {i} o'clock and was not amused", "text-columns"),
    ],
)
def test_what_nothing_can_be_learned_from_is_left_out_and_named(column, code):
    ds = data(rows(odd=column), label="churn", task="tabular-classification")
    assert found(ds, code).ids == ("odd",)
    assert "odd" not in features(ds)


def test_the_target_in_other_words_is_left_out():
    table = rows()
    for row in table:
        row["reason"] = {"yes": "left us", "no": "stays"}[row["churn"]]
    ds = data(table, label="churn")
    assert found(ds, "leaking-columns").ids == ("reason",)
    assert "reason" not in features(ds)


def test_a_column_that_alone_tells_the_target_is_kept_with_a_warning():
    table = rows()
    for i, row in enumerate(table):
        row["refund"] = (1000 + i if row["churn"] == "yes" else 10 + i * 0.5) + 0.25
        row["step"] = ("a" if i % 2 else "b") if row["churn"] == "yes" else "c"
    ds = data(table, label="churn")
    assert set(found(ds, "suspicious-columns").ids) == {"refund", "step"}
    assert {"refund", "step"} <= set(features(ds))


def test_a_price_in_another_currency_is_the_price():
    table = [
        {**row, "price": 3.5 * i + row["age"], "dollars": (3.5 * i + row["age"]) * 1.1}
        for i, row in enumerate(rows())
    ]
    assert found(data(table, label="price"), "leaking-columns").ids == ("dollars",)


def test_blank_numbers_na_codes_and_odd_cells(tmp_path: Path):
    table = rows(
        120,
        zip=lambda i: f"{i % 7:05d}",
        region=lambda i: ("NA", "EU", "AS")[i % 3],
        total=lambda i: "" if i == 3 else "about 7" if i == 5 else f"{i * 1.5}",
    )
    path = tmp_path / "customers.csv"
    path.write_text(pd.DataFrame(table).to_csv(index=False), "utf-8")
    ds = data(path)
    every = {s.id: s.payload for split in ds.splits() for s in split}
    assert {row["region"] for row in every.values()} == {"NA", "EU", "AS"}
    assert "00003" in {row["zip"] for row in every.values()}
    assert sum(row["total"] is None for row in every.values()) == 2
    assert found(ds, "odd-cells").details == ("1 such as 'about 7'",)
    assert found(ds, "missing-values").details == ("1 row",)
    assert found(ds, "codes").ids == ("zip",)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encodings_and_semicolons_are_read_and_told(tmp_path: Path, encoding):
    path = tmp_path / "kunden.csv"
    frame = pd.DataFrame(rows(stadt=lambda i: ("Köln", "Bonn")[i % 2]))
    path.write_bytes(frame.to_csv(index=False, sep=";").encode(encoding))
    ds = data(path)
    assert {"encoding", "separator"} <= {f.code for f in ds.problems}
    assert {s.payload["stadt"] for s in ds.train} == {"Köln", "Bonn"}


def test_ragged_rows_are_named_and_left_out(tmp_path: Path):
    path = tmp_path / "customers.csv"
    lines = pd.DataFrame(rows()).to_csv(index=False).splitlines()
    path.write_text("\n".join([*lines, "42,basic", "42,basic,no,more"]), "utf-8")
    ds = data(path)
    assert found(ds, "ragged-rows").count == 2
    assert sum(len(split) for split in ds.splits()) == 60


def test_rare_categories_missing_targets_and_imbalance_are_told():
    table = rows(200, city=lambda i: "Rome" if i > 2 else f"Hamlet {i}")
    for i, row in enumerate(table):
        row["churn"] = None if i == 0 else "yes" if i % 40 == 1 else "no"
    ds = data(table)
    assert found(ds, "rare-categories").ids == ("city",)
    assert found(ds, "unlabeled").count == 1
    assert "imbalance" in ds.audit().codes


def test_dates_that_can_be_read_in_two_ways_are_told():
    ds = data(rows(since=lambda i: f"0{i % 9 + 1}/0{i % 7 + 1}/2024"))
    assert found(ds, "ambiguous-dates").ids == ("since",)


def test_a_group_stays_on_one_side_and_is_not_learned_from():
    ds = data(rows(90, customer=lambda i: f"c{i // 3}"), group="customer", label="churn")
    assert "customer" not in features(ds)
    sides = [{int(s.id) // 3 for s in split} for split in ds.splits()]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]


def test_a_split_column_is_kept_to_and_not_learned_from():
    ds = data(rows(split=lambda i: ("train", "train", "test")[i % 3]), dedupe=False)
    assert len(ds.test) == 20
    assert "split" not in features(ds)


def test_a_table_of_few_combinations_can_be_split():
    table = [
        {"a": i % 2, "b": i // 2 % 2, "y": ("no", "yes")[(i * 7919 + i // 4) % 5 > 2]}
        for i in range(400)
    ]
    ds = data(table, label="y")
    assert {split.name for split in ds.splits()} == {"train", "val", "test"}
    assert {"duplicates", "label-conflicts"}.isdisjoint(ds.audit().codes)


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        (rows(), {"drop": "plam"}, 'no column "plam"'),
        (rows(), {"label": "chrun"}, 'no column "chrun"'),
        (rows(), {"drop": "age,plan"}, "no column to learn"),
        (rows(n=80, amount=lambda i: f"{i}.5"), {"label": "amount", "task": "tabular-classification"}, "class of its own"),
        (rows(), {"label": "plan", "task": "tabular-regression"}, "holds words"),
        ([{**row, "churn": None} for row in rows()], {}, "empty in every row"),
        ([{**row, "churn": "no"} for row in rows()], {}, "Only one class"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_is_said_in_three_lines(table, options, said):
    with pytest.raises(DataError) as caught:
        data(table, **{"label": "churn", **options})
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


def test_targets_that_are_no_numbers_are_left_out_and_told():
    table = [{**row, "price": "on request" if i == 4 else i + 0.5} for i, row in enumerate(rows())]
    ds = data(table, label="price", task="tabular-regression")
    assert found(ds, "no-number").details == ("on request",)
    assert sum(len(split) for split in ds.splits()) == 59
