# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pytest

from lepton_lab.datasets.column_kinds import kind_of


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        (["1", "-2.5", "1e3", " 4 "], "number"),
        (["1", None, "", "NA", "?"], "number"),
        (["NA", "EU", "AS"], "category"),
        (["NA", "NA"], "category"),
        (["007", "1", "2"], "category"),
        (["0", "1", "0.5"], "number"),
        (["true", "false"], "category"),
        (["1,5", "2,5"], "category"),
        (["1.234.5"], "category"),
        ([None, "", "  "], "empty"),
        ([], "empty"),
        (["2024-01-31", None, "2023-12-01"], "date"),
        (["20240131", "20231201"], "date"),
        (["20240131", "20241331"], "number"),
        (["2024-01-31T10:00:00+02:00"], "date"),
    ],
)
def test_a_column_is_what_its_cells_are(cells, name):
    assert kind_of(cells).name == name


def test_a_few_cells_that_do_not_fit_are_told_with_their_places():
    cells = ["1.5"] * 99 + ["about two"]
    assert kind_of(cells) == kind_of(cells)
    assert (kind_of(cells).name, kind_of(cells).odd) == ("number", (99,))
    assert kind_of(["1.5"] * 30 + ["about two"]).name == "category"
    dates = ["2024-01-31"] * 60 + ["soon"]
    assert (kind_of(dates).name, kind_of(dates).odd) == ("date", (60,))


def test_a_day_that_could_be_a_month_is_read_as_the_day_and_told():
    both = kind_of(["01/02/2024", "03/04/2024"])
    assert (both.formats, both.ambiguous) == (("%d/%m/%Y",), True)
    clear = kind_of(["01/02/2024", "03/24/2024"])
    assert (clear.formats, clear.ambiguous) == (("%m/%d/%Y",), False)
    assert not kind_of(["31.01.2024", "01.02.2024"]).ambiguous
