# SPDX-License-Identifier: BSD-3-Clause
"""What is exported of a model of rows computes what the model computes, whatever columns its table has."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from lepton_lab.catalog import find
from lepton_lab.catalog.tabular_models import create
from lepton_lab.errors import LeptonError
from lepton_lab.exporting.signatures import signatures
from lepton_lab.exporting.signatures.tabular import odd_rows
from lepton_lab.exporting.subject import Subject
from lepton_lab.runtime.errors import InputError
from lepton_lab.runtime.row_input import make

SCALE = {"at": [0.0, 9.0], "to": [-1.0, 1.0]}
COLUMNS: list[dict[str, Any]] = [
    {"name": "a", "kind": "number", "scales": [SCALE], "fill": [0.5], "indicator": True},
    {"name": "b", "kind": "category", "values": ["x", "y"]},
]
ROWS = [{"a": str(i), "b": "xyz"[i % 3]} for i in range(9)]


def subject(columns: list[dict[str, Any]], classes: tuple[str, ...]) -> Subject:
    built = create(find("lepton/mlp"), columns, classes, 0)
    built.preprocessing = {"kind": "row", "columns": columns, "target": "y"}
    if not classes:
        built.preprocessing["number"] = {"mean": 1e6, "std": 3.0}
    return Subject(built, f"tabular-{'classification' if classes else 'regression'}", "mine")


@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", "c"), ()])
@pytest.mark.parametrize("columns", [COLUMNS, COLUMNS[:1], COLUMNS[1:]])
def test_graph_and_model_agree(columns: list[dict[str, Any]], classes: tuple[str, ...]) -> None:
    about = subject(columns, classes)
    signature, ready = signatures.get(about.task), make(about.built.preprocessing)
    graph = signature.graph(about)
    batch = ready.collate([ready.prepare(row) for row in ROWS])
    assert list(graph.example) == list(batch)
    assert {n: v.shape[1:] for n, v in graph.example.items()} == {
        n: v.shape[1:] for n, v in batch.items()
    }
    with torch.no_grad():
        found = graph.module(*(torch.from_numpy(batch[name]) for name in graph.example))
    wanted = signature.compute(about.module(), about.built.preprocessing)(batch)
    outputs = {n: list(v.numpy()) for n, v in zip(graph.outputs, found, strict=True)}
    reference = {n: list(v) for n, v in wanted.items()}
    assert list(outputs) == list(reference)
    limits = signature.tolerance(reference)
    for name, values in outputs.items():
        assert np.abs(np.stack(values) - np.stack(reference[name])).max() <= limits[name]
    assert signature.agrees(reference, outputs).all()
    interface = signature.interface(about.built)
    assert [c["name"] for c in interface["input"]["columns"]] == [c["name"] for c in columns]
    json.dumps(interface)
    targets = [i % len(classes) for i in range(9)] if classes else [1e6 + i for i in range(9)]
    score = signature.score(reference, targets)
    assert score.low <= score.value <= score.high
    assert signature.answer(reference, 0, classes)


def test_another_answer_is_no_agreement() -> None:
    for classes, name, right, wrong in (
        (("no", "yes"), "probabilities", np.array([0.9, 0.1]), np.array([0.1, 0.9])),
        ((), "value", np.float32(5), np.float32(6)),
    ):
        signature = signatures.get(subject(COLUMNS, classes).task)
        same = signature.agrees({name: [right, right]}, {name: [right, wrong]})
        assert same.tolist() == [True, False]


def test_odd_rows_are_answered_or_refused_by_name() -> None:
    ready = make({"columns": COLUMNS})
    odd = odd_rows([json.dumps(row).encode() for row in ROWS[:4]])
    assert len({kind for kind, _ in odd}) == len(odd) == 27
    answered = 0
    for _, data in odd:
        try:
            assert np.isfinite(ready.prepare(data)["numbers"]).all()
            answered += 1
        except InputError as error:
            assert error.code in ("not-a-number", "missing-column")
    assert answered >= 21


def test_rows_cannot_be_made_up() -> None:
    with pytest.raises(LeptonError, match="rows of its table"):
        signatures.get("tabular-classification").stand_ins()
