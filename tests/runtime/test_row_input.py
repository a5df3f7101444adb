# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import math
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_lab.runtime.cells import RowError, number_of
from lepton_lab.runtime.row_input import FIRST, MISSING, UNKNOWN, make

PLAN = {
    "kind": "row",
    "columns": [
        {"name": "age", "kind": "number", "scales": [{"at": [0.0, 10.0, 20.0], "to": [-2.0, 0.0, 1.0]}],
         "fill": [10.0], "indicator": True},
        {"name": "code", "kind": "category", "values": ["007", "NA", "1"]},
        {"name": "since", "kind": "date", "formats": ["%Y-%m-%d", "%d.%m.%Y"], "parts": ["elapsed", "year", "month", "weekday"],
         "scales": [{"at": [0.0, 1e5], "to": [0.0, 1e5]}] * 4, "fill": [0.0, 2000.0, 6.0, 3.0], "indicator": False},
    ],
}  # fmt: skip
ROW = {"age": 5, "code": "007", "since": "1970-01-11"}
prepare = make(PLAN).prepare


def test_a_row_becomes_scaled_numbers_and_category_indexes():
    row = prepare({**ROW, "something else": object()})
    assert row["numbers"].dtype == np.float32
    assert row["numbers"].tolist() == [-1.0, 0.0, 10.0, 1970.0, 1.0, 6.0]
    assert row["categories"].tolist() == [FIRST]
    assert row["categories"].dtype == np.int64


def test_every_form_of_a_row_is_the_same_row(tmp_path):
    text = json.dumps(ROW)
    path = tmp_path / "row.json"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    forms = [text, text.encode(), b"\xef\xbb\xbf" + text.encode(), path, str(path), pd.Series(ROW)]
    forms += [ROW | {"age": np.int64(5)}, ROW | {"since": date(1970, 1, 11)}]
    forms += [
        ROW | {"age": " 5.0 "},
        ROW | {"since": pd.Timestamp("1970-01-11")},
        ROW | {"since": "11.01.1970"},
    ]
    for form in forms:
        for name, values in prepare(form).items():
            np.testing.assert_array_equal(values, prepare(ROW)[name])


@pytest.mark.parametrize(
    "nothing", [None, "", "  ", math.nan, "NA", "n/a", "?", np.float64("nan"), pd.NA, pd.NaT]
)
def test_a_number_that_is_not_known_is_filled_and_told(nothing):
    assert prepare({**ROW, "age": nothing})["numbers"][:2].tolist() == [0.0, 1.0]
    assert prepare({**ROW, "since": nothing})["numbers"][2:].tolist() == [0.0, 2000.0, 6.0, 3.0]


@pytest.mark.parametrize(
    ("value", "index"),
    [("007", FIRST), ("NA", FIRST + 1), (1, FIRST + 2), (1.0, FIRST + 2), ("1", FIRST + 2), (7, UNKNOWN), ("na", UNKNOWN),
     ("x" * 1_000_000, UNKNOWN), (None, MISSING), (" ", MISSING), (" 007 ", FIRST), (True, FIRST + 2), (False, UNKNOWN)],
)  # fmt: skip
def test_a_category_is_its_text(value, index):
    assert prepare({**ROW, "code": value})["categories"].tolist() == [index]


def test_a_number_outside_the_scale_is_held_at_its_end():
    low, high = (prepare({**ROW, "age": age})["numbers"][0] for age in (-1e9, 10**200))
    assert (low, high) == (-2.0, 1.0)


@pytest.mark.parametrize(
    ("row", "code", "said"),
    [
        ({"age": 1, "code": "1"}, "missing-column", "'since' is missing; give null"),
        ({"Age ": 1, "code": "1", "since": None}, "missing-column", "'age' is missing; is it 'Age '?"),
        (ROW | {"age": "old"}, "not-a-number", "'age' needs a number; got 'old'"),
        (ROW | {"age": "1,5"}, "not-a-number", "'age'"),
        (ROW | {"age": math.inf}, "not-a-number", "'age'"),
        (ROW | {"age": 10**400}, "not-a-number", "'age'"),
        (ROW | {"age": [1]}, "not-a-cell", "'age' needs a single value; got a list"),
        (ROW | {"code": {"a": 1}}, "not-a-cell", "'code'"),
        (ROW | {"since": "2024-13-01"}, "not-a-date", "'since' needs a date (%Y-%m-%d or %d.%m.%Y)"),
        (b"[1]", "not-a-row", "got a list"),
        (b"\xff\xfe", "not-a-row", "no JSON object"),
        (b"", "not-a-row", "no JSON object"),
        ("[" * 100_000, "not-a-row", "no JSON object"),
        (b'{"age": 1, "age": 2}', "not-a-row", "'age' is given twice"),
        ("nowhere.json", "not-a-row", "nowhere.json: cannot be read"),
        (3, "not-a-row", "got int"),
    ],
)  # fmt: skip
def test_what_is_no_row_is_refused_by_name(row, code, said):
    with pytest.raises(RowError) as caught:
        prepare(row)
    assert caught.value.code == code
    assert said in str(caught.value)


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_the_scale_keeps_the_order(a, b):
    one, other = (float(prepare({**ROW, "age": x})["numbers"][0]) for x in sorted((a, b)))
    assert one <= other


def test_a_batch_is_stacked():
    batch = make(PLAN).collate([prepare(ROW), prepare({**ROW, "code": None})])
    assert batch["numbers"].shape == (2, 6)
    assert batch["categories"].tolist() == [[FIRST], [MISSING]]


def test_a_plan_without_categories_gives_none():
    assert list(make({"columns": PLAN["columns"][:1]}).prepare({"age": 1})) == ["numbers"]
    assert list(make({"columns": PLAN["columns"][1:2]}).prepare({"code": "1"})) == ["categories"]


def test_times_with_a_zone_are_told_in_utc():
    column = {
        **PLAN["columns"][2],
        "formats": ["%Y-%m-%dT%H:%M:%S%z"],
        "parts": ["elapsed"],
        "scales": PLAN["columns"][2]["scales"][:1],
    }
    row = make({"columns": [column]}).prepare({"since": "1970-01-02T06:00:00+06:00"})
    assert row["numbers"].tolist() == [1.0]
    assert make({"columns": [column]}).prepare({"since": datetime(1970, 1, 2)})[
        "numbers"
    ].tolist() == [1.0]


@pytest.mark.parametrize(
    "text", ["1_000", "infinity", "nan", "0x10", "١٢", "1e999", "", ".", "9" * 500]
)
def test_what_is_no_plain_number_is_none(text):
    assert number_of(text) is None
