# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from lepton_lab.runtime.row_input import FIRST, MISSING, UNKNOWN, make
from lepton_lab.tasks.row_plan import LANDMARKS, fewest, learn, scale


def column(name: str, cells: list[str | None]) -> list[dict[str, str | None]]:
    return [{name: cell} for cell in cells]


def test_numbers_become_their_normal_scores_and_keep_their_order():
    values = np.random.default_rng(0).lognormal(0, 2, 2000)
    plan = learn(column("amount", [repr(float(v)) for v in values]))
    assert len(plan[0]["scales"][0]["at"]) <= LANDMARKS
    ready = make({"columns": plan})
    found = np.array([ready.prepare({"amount": float(v)})["numbers"][0] for v in values])
    wanted = norm.ppf((rankdata(values) - 0.5) / len(values))
    assert np.abs(found - wanted).max() < 0.15
    assert (np.diff(found[np.argsort(values)]) >= 0).all()
    assert abs(found.mean()) < 0.02
    assert abs(found.std() - 1) < 0.05


def test_equal_values_share_one_score():
    table = scale(np.array([0.0] * 9 + [1.0]))
    assert table["at"] == [0.0, 1.0]
    assert table["to"] == pytest.approx(norm.ppf([0.45, 0.95]).tolist(), abs=1e-6)


def test_a_plan_is_plain_json_and_makes_the_same_rows_again():
    rows = [{"a": f"{i}.5", "b": "xyz"[i % 3], "c": f"2024-01-{i % 28 + 1:02d}"} for i in range(60)]
    plan = {"columns": learn(rows)}
    again = json.loads(json.dumps(plan))
    for row in rows[:5]:
        for name, values in make(plan).prepare(row).items():
            np.testing.assert_array_equal(values, make(again).prepare(row)[name])


def test_rare_categories_count_as_unknown_together():
    plan = learn(column("city", ["Rome"] * 50 + ["Bern"] * 30 + ["Ulm"]))
    assert plan[0]["values"] == ["Rome", "Bern"]
    ready = make({"columns": plan})
    found = [
        int(ready.prepare({"city": c})["categories"][0])
        for c in ("Rome", "Bern", "Ulm", "Oslo", None)
    ]
    assert found == [FIRST, FIRST + 1, UNKNOWN, UNKNOWN, MISSING]
    assert fewest(10) == 2


def test_only_columns_that_lacked_values_tell_that_one_is_missing():
    rows = [
        {"a": str(i), "b": None if i == 3 else str(i * 2), "c": "NA" if i == 4 else str(i)}
        for i in range(50)
    ]
    plan = {c["name"]: c for c in learn(rows)}
    assert [plan[name]["indicator"] for name in "abc"] == [False, True, True]
    assert plan["b"]["fill"] == [50.0]
    prepared = make({"columns": list(plan.values())}).prepare({"a": 1, "b": None, "c": None})
    assert prepared["numbers"].shape == (5,)
    assert prepared["numbers"][[2, 4]].tolist() == [1.0, 1.0]


def test_a_date_is_told_by_its_parts():
    plan = learn(column("since", [f"20{i % 20 + 10}-0{i % 9 + 1}-11" for i in range(90)]))
    assert (plan[0]["kind"], plan[0]["parts"]) == ("date", ["elapsed", "year", "month", "weekday"])
    hours = learn(column("at", [f"2024-01-01 {i % 24:02d}:30:00" for i in range(90)]))
    assert hours[0]["parts"][-1] == "hour"
    early, late = (
        make({"columns": plan}).prepare({"since": f"{y}-05-01"})["numbers"] for y in (2011, 2028)
    )
    assert (early[:2] < late[:2]).all()


def test_a_column_that_is_empty_in_the_training_rows_is_left_out():
    assert [c["name"] for c in learn([{"a": None, "b": "1"}, {"a": " ", "b": "2"}])] == ["b"]
