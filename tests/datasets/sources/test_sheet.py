# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_lab.datasets.sources.sheet import decode, read_sheet, separator

cells = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    str.strip
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(cells, cells, cells), min_size=3, max_size=12),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_spreadsheet_writes_is_read_back(tmp_path_factory, rows, mark, encoding):
    path = tmp_path_factory.mktemp("sheet") / "t.csv"
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=mark, quoting=csv.QUOTE_ALL)
    writer.writerows([("file", "class", "note"), *rows])
    path.write_bytes(stream.getvalue().encode(encoding))
    sheet = read_sheet(path)
    assert sheet.columns == ["file", "class", "note"]
    assert [tuple(row) for row in sheet.rows] == rows
    assert sheet.lines == list(range(2, len(rows) + 2))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_become_text(data):
    text, name = decode(data)
    assert isinstance(text, str) and name


@pytest.mark.parametrize("text", ["", "one", "one\ntwo\n", "a b\nc d\n"])
def test_a_single_column_has_no_separator_to_find(text):
    assert separator(text) == ","


def test_a_comma_inside_cells_does_not_win_over_the_real_separator():
    text = 'path;label\n"a,b.jpg";cat\n"c,d.jpg";dog\n'
    assert separator(text) == ";"
