# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json

import pandas as pd
import pytest

from lepton_lab.datasets.contents.row import RECORD
from lepton_lab.datasets.dataset import data
from lepton_lab.errors import DataError

ROW = {"age": "42", "city": "Zürich <b>", "since": None}


def test_a_row_is_written_as_the_json_that_a_user_would_send():
    assert json.loads(RECORD.encoded(ROW)) == ROW
    assert RECORD.read(RECORD.encoded(ROW)) == ROW


def test_equal_rows_have_one_digest_and_other_rows_another():
    one, same, other = RECORD.check([ROW, dict(ROW), {**ROW, "age": "43"}])
    assert one.digest == same.digest != other.digest
    assert (one.size, one.code) == (len(RECORD.encoded(ROW)), "")


def test_what_users_hand_over_is_taken_for_its_rows(tmp_path):
    path, table = tmp_path / "row.json", tmp_path / "rows.csv"
    path.write_bytes(RECORD.encoded(ROW))
    frame = pd.DataFrame([{"age": 1, "city": "Bern"}, {"age": 2, "city": "Basel"}])
    frame.to_csv(table, index=False)
    for one in (
        ROW,
        RECORD.encoded(ROW),
        RECORD.encoded(ROW).decode(),
        path,
        str(path),
    ):
        assert [dict(row) for _, row in RECORD.inputs(one)] == [ROW]
    assert RECORD.inputs(pd.Series({"age": 1}))[0][1] == {"age": 1}
    for two in (frame, table, [{"age": 1, "city": "Bern"}, b'{"age": "2", "city": "Basel"}']):
        assert [str(row["age"]) for _, row in RECORD.inputs(two)] == ["1", "2"]


@pytest.mark.parametrize("source", [3, "nowhere.json", b"[1]", "{", [[1]]])
def test_what_is_no_row_is_refused(source):
    with pytest.raises(DataError, match="no row"):
        RECORD.inputs(source)


def test_a_tile_is_escaped_and_short():
    table = [
        {f"column <{i}>": f"<script>{j % 5}" * 30 for i in range(9)} | {"y": "ab"[j % 2]}
        for j in range(30)
    ]
    for row in table[:7]:
        row["column <0>"] = "other"
    ds = data(table, label="y", drop=",".join(f"column <{i}>" for i in range(6, 9)))
    tile = RECORD.tile(ds.train, 0)
    assert "<script>" not in tile.html()
    assert len(tile.html()) < 4096
