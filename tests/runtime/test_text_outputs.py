# SPDX-License-Identifier: BSD-3-Clause
"""Answers of several classes and of numbers: what is said, kept and compared."""

from __future__ import annotations

import json

import numpy as np

from lepton_lab.runtime.labels_output import PROBABILITIES
from lepton_lab.runtime.outputs import output

ROW: dict[str, np.ndarray] = {}


def of(*values: float) -> dict[str, np.ndarray]:
    return {PROBABILITIES: np.array(values, np.float32)}


def test_classes_from_the_threshold_on_are_the_answer():
    reads = output({"kind": "labels", "threshold": 0.5}, ["a", "b", "c"])
    answer = reads.answer(of(0.5, 0.9, 0.1), ROW, "letter")
    assert answer.labels == ["b", "a"] and str(answer) == "letter: b 0.900, a 0.500"
    assert json.loads(json.dumps(answer.to_json()))["labels"] == ["b", "a"]
    assert str(reads.answer(of(0.2, 0.1, 0.3), ROW)) == "none (nearest: c 0.300)"


def test_a_kept_answer_is_compared_by_its_largest_difference():
    reads = output({"kind": "labels"}, ["a", "b"])
    kept = json.loads(json.dumps(reads.kept(of(0.25, 0.5))))
    assert reads.gap(kept, of(0.25, 0.5)) == 0.0
    assert round(reads.gap(kept, of(0.25, 0.75)), 6) == 0.25
    assert reads.gap(kept, of(0.25)) == float("inf")


def test_a_number_is_compared_in_units_of_its_spread():
    reads = output({"kind": "number", "scale": 100.0}, [])
    batch = {"value": np.array([820.25, -3.0], np.float32)}
    cut = reads.cut(batch, [ROW, ROW])
    answer = reads.answer(cut[0], ROW)
    assert float(answer) == 820.25 and str(answer) == "820.25"
    assert answer.to_json() == {"name": "", "value": 820.25}
    assert reads.gap(reads.kept(cut[0]), {"value": np.float32(821.25)}) == 0.01
