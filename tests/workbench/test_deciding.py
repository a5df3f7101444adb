# SPDX-License-Identifier: BSD-3-Clause
"""What mistakes cost decides the threshold, in the report, in the artifact and in its labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.exporting.signatures import signatures
from lepton_lab.metrics.costs import best_threshold, cost_at
from lepton_lab.workbench.deciding import decide, deciding
from lepton_lab.workbench.predicting import predict_with
from tests.tasks.test_tabular import RECIPE, table

DEAR = {"miss": 9, "alarm": 1}


@pytest.fixture(scope="module")
def data() -> Any:
    return lab.data(table(), label="churn", drop="worth", val=0.3)


@pytest.fixture
def run(data: Any) -> Any:
    return lab.load_model("lepton/mlp").train(data, **RECIPE)


def test_a_dear_miss_lowers_the_threshold_and_the_artifact_answers_by_it(
    run: Any, data: Any, tmp_path: Path
) -> None:
    plain = run.evaluate(data, split="val")
    scores, truth = plain.probabilities[:, 1], plain.targets == 1
    prices = {"false_positive": 1.0, "false_negative": 9.0}
    threshold = best_threshold(scores, truth, **prices)
    chosen = decide(run.model.built, "tabular-classification", data.val, DEAR)
    assert (chosen.name, chosen.threshold) == ("yes", threshold) and threshold < 0.5

    report = run.evaluate(data, cost="miss=9,alarm=1")
    told = cost_at(threshold, report.probabilities[:, 1], report.targets == 1, **prices)
    assert f"from {threshold:.3f} on costs {told.per_sample:.4g}" in report.notes[0]
    assert "chosen on val" in report.notes[0] and f"{told.false_negatives} missed" in report.notes[1]
    assert report.notes[2:] == run.evaluate(data).notes

    artifact = run.export("onnx", to=str(tmp_path / "dear.lepton"), cost=DEAR)
    output = artifact.manifest["output"]
    assert (output["threshold"], output["yes"]) == (threshold, 1)
    rows = [dict(data.test.read(i)) for i in range(len(data.test))]
    answers, usual = artifact.predict(rows), run.model.predict(rows)
    wanted = ["yes" if one.probabilities[1] >= threshold else "no" for one in answers]
    assert [one.label for one in answers] == wanted
    assert [one.label for one in usual] != wanted
    changed = next(a for a, b in zip(answers, usual, strict=True) if a.label != b.label)
    assert changed.probability == changed.probabilities[1] < 0.5
    assert changed.to_json()["label"] == "yes" and str(changed).startswith("yes (yes from")
    built = deciding(run.model.built, chosen)
    live = [predict_with(built.module, row, about=built, task=run.model.task) for row in rows]
    assert [one.label for one in live] == wanted
    plain_output = signatures.get(run.model.task).interface(run.model.built)["output"]
    assert "threshold" not in plain_output


REFUSED: list[tuple[Any, str]] = [
    ({"miss": 5}, "'alarm' is missing"),
    ({"miss": 5, "alarm": "dear"}, "dear"),
    ({"miss": 5, "alarm": 1, "win": 2}, '"win" is none of'),
    ("cheap", "'miss' is missing"),
    (7, "not iterable"),
    ({"miss": 5, "alarm": 1, "yes": "maybe"}, "There are: no, yes"),
    ({"miss": -5, "alarm": 1}, "at least 0"),
]


def test_what_cannot_be_decided_is_refused_in_three_lines(run: Any, data: Any) -> None:
    built, task = run.model.built, "tabular-classification"
    other = decide(built, task, data.val, {**DEAR, "yes": "no"})
    assert (other.yes, other.name) == (0, "no")
    for cost, said in REFUSED:
        with pytest.raises(LeptonError) as caught:
            decide(built, task, data.val, cost)
        assert said in str(caught.value) and len(str(caught.value).split("\n")) <= 3
    with pytest.raises(LeptonError, match="chosen on val"):
        decide(built, task, None, DEAR)
    with pytest.raises(LeptonError, match="two classes"):
        decide(built, "tabular-regression", data.val, DEAR)
    alone = run.evaluate(data.test, cost=DEAR)
    assert "chosen on val" in alone.notes[0]
