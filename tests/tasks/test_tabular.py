# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a table, the whole way: a model made for them, trees beside it, a killed run, a proven artifact."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import lepton_lab as lab
from lepton_lab.datasets import handover
from lepton_lab.errors import DataError, LeptonError
from lepton_lab.metrics.regression import regression_values
from lepton_lab.spec import ModelSpec, TrainSpec
from lepton_lab.tasks import baseline, tasks
from lepton_lab.tasks.rows import RowTask
from lepton_lab.tasks.tabular_classification import verdict

CPU = torch.device("cpu")
RECIPE: dict[str, Any] = {
    "epochs": 4, "batch_size": 32, "learning_rate": 5e-3, "checkpoint_every": 3, "device": "cpu", "workers": 0,
}  # fmt: skip


def table(n: int = 240) -> pd.DataFrame:
    """Customers with numbers, categories, dates, gaps; who leaves depends on three of them."""
    random = np.random.default_rng(0)
    age, spent = random.integers(18, 80, n), random.lognormal(3, 1, n).round(2)
    plan, region = random.choice(["basic", "full", "free"], n), random.choice(["NA", "EU", "AS"], n)
    years = random.integers(2000, 2024, n)
    logit = (age - 45) / 8 + np.where(plan == "free", 2.0, -1.0) + (years - 2012) / 6
    frame = pd.DataFrame(
        {
            "customer": [f"C{i * 7919 % 9973:05d}" for i in range(n)],
            "age": age,
            "spent": [None if i % 17 == 0 else v for i, v in enumerate(spent)],
            "plan": plan,
            "region": region,
            "since": [f"{y}-{i % 12 + 1:02d}-15" for i, y in enumerate(years)],
        }
    )
    frame["worth"] = (
        age * 2.0 + np.where(plan == "full", 60, 0) + random.normal(0, 4, n) + 1000
    ).round(2)
    frame["churn"] = np.where(logit + random.logistic(0, 0.7, n) > 0, "yes", "no")
    return frame


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "customers.csv"
    table().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def classed(customers: Path) -> Any:
    return lab.data(str(customers), drop="worth")


@pytest.fixture(scope="module")
def measured(customers: Path) -> Any:
    return lab.data(str(customers), label="worth", drop="churn")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, classed: Any, measured: Any) -> Any:
    """A trained classifier and a trained regression."""
    before = os.environ.get("LEPTON_RUNS")
    os.environ["LEPTON_RUNS"] = str(tmp_path_factory.mktemp("kept") / "lepton-runs")
    try:
        return [
            lab.load_model("lepton/mlp").train(d, **{**RECIPE, "epochs": 12})
            for d in (classed, measured)
        ]
    finally:
        os.environ.pop("LEPTON_RUNS") if before is None else os.environ.update(LEPTON_RUNS=before)


def test_the_model_is_made_for_the_table_from_the_training_rows_alone(classed: Any) -> None:
    built = tasks.get(classed.task).build(ModelSpec("lepton/mlp"), classed, 0)
    columns = {c["name"]: c["kind"] for c in built.preprocessing["columns"]}
    assert columns == {
        "age": "number",
        "spent": "number",
        "plan": "category",
        "region": "category",
        "since": "date",
    }
    assert "NA" in built.preprocessing["columns"][3]["values"]
    ages = [float(classed.train.read(i)["age"]) for i in range(len(classed.train))]
    assert built.preprocessing["columns"][0]["scales"][0]["at"][-1] == max(ages)
    assert built.config["numbers"] == 1 + 2 + 4
    json.dumps(built.preprocessing)


def test_both_learn_and_the_trees_stand_beside_them(runs: Any, classed: Any, measured: Any) -> None:
    classifier, regression = (run.model for run in runs)
    assert [run.state for run in runs] == ["done", "done"]
    found = classifier.evaluate(classed)
    assert found["roc_auc"] > 0.8
    assert any("oosted trees" in note and "roc_auc" in note for note in found.notes)
    report = regression.evaluate(measured)
    assert next(iter(report)) == "rmse"
    assert report["r2"] > 0.6
    assert {"r2 (trees)", "mae (trees)"} <= set(report)
    low, high = report.intervals["rmse"]
    assert low <= report["rmse"] <= high
    off = [row["off by"] for row in report.worst()]
    assert off == sorted(off, reverse=True)


def test_the_trees_are_a_model_of_their_own_and_what_scikit_learn_says(
    runs: Any, classed: Any, measured: Any
) -> None:
    for run, data in zip(runs, (classed, measured), strict=True):
        trees = lab.load_model(str(run.path / "assets" / baseline.FOLDER))
        assert trees.task == data.task
        found = trees.evaluate(data)
        beside = run.model.evaluate(data)
        if data is measured:
            assert found["rmse"] == pytest.approx(beside["rmse (trees)"])
        else:
            assert f"roc_auc {found['roc_auc']:.3f} ({beside['roc_auc']:.3f})" in " ".join(
                beside.notes
            )


def test_numbers_are_answered_in_the_unit_of_the_target(runs: Any, measured: Any) -> None:
    model = runs[1].model
    task = tasks.get(measured.task).create(model.built, TrainSpec(), True)
    batch = task.collate([task.evaluation_item(measured.test, i) for i in range(8)])
    with torch.inference_mode():
        found = task.outputs(model.module, batch, CPU)
        number = model.built.preprocessing["number"]
        loss = float(task.loss(model.module, batch, CPU))
    answers = [model.predict(measured.test.read(i)).value for i in range(8)]
    np.testing.assert_allclose(found, answers, rtol=1e-6)
    errors = (found - measured.test.targets[:8]) / number["std"]
    assert loss == pytest.approx((errors**2).mean(), rel=1e-4)
    assert regression_values(found, measured.test.targets[:8])["mae"] < 60


def test_a_prediction_takes_a_row_a_list_or_a_frame(runs: Any) -> None:
    model = runs[0].model
    row = {"age": 70, "spent": None, "plan": "free", "region": "NA", "since": "2023-01-15"}
    answer = model.predict(row)
    assert (answer.label, answer.probability > 0.5) == ("yes", True)
    assert str(model.predict(json.dumps(row))) == str(answer)
    assert len(model.predict([row, {**row, "age": "18"}])) == 2
    assert len(model.predict(table(3))) == 3
    with pytest.raises(DataError, match="'plan' is missing"):
        model.predict({name: value for name, value in row.items() if name != "plan"})
    with pytest.raises(DataError, match="'age' needs a number; got 'old'"):
        model.predict({**row, "age": "old"})


@pytest.mark.slow
@pytest.mark.parametrize(("which", "kind"), [(0, "classes"), (1, "number")])
def test_the_artifact_is_proven_and_answers_without_torch(
    runs: Any, classed: Any, measured: Any, tmp_path: Path, which: int, kind: str
) -> None:
    data = (classed, measured)[which]
    artifact = runs[which].model.export("onnx", to=str(tmp_path / "rows.lepton"), data=data)
    assert artifact.verify().golden >= 8
    manifest = json.loads((artifact.path / "manifest.json").read_text())
    assert (manifest["task"], manifest["output"]["kind"]) == (data.task, kind)
    row = {
        "age": 70,
        "spent": "",
        "plan": "never seen",
        "region": "NA",
        "since": "2023-01-15",
        "more": 1,
    }
    code = (
        "import sys, json\nsys.path.insert(0, '.')\n"
        "from lepton_runtime.predictor import Predictor\n"
        f"answer = Predictor('.').predict([{row!r}])[0]\n"
        "assert not {'torch', 'lepton_lab', 'sklearn', 'pandas'} & set(sys.modules)\n"
        "print(json.dumps(answer.to_json()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=artifact.path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found, ours = json.loads(done.stdout), runs[which].model.predict(row)
    if kind == "number":
        assert found["value"] == pytest.approx(ours.value, rel=1e-5)
    else:
        assert found["top"][0][0] == ours.label
        assert found["top"][0][1] == pytest.approx(ours.probability, abs=1e-5)


@pytest.mark.slow
def test_the_trees_can_be_exported_instead(runs: Any, classed: Any, tmp_path: Path) -> None:
    trees = lab.load_model(str(runs[0].path / "assets" / baseline.FOLDER))
    artifact = runs[0].export(to=str(tmp_path / "trees.lepton"), baseline=True)
    assert artifact.verify().golden >= 8 and artifact.manifest["name"].endswith("-baseline")
    assert not [name for name in artifact.manifest["files"] if "baseline" in name]
    row = dict(classed.test.read(0))
    assert artifact.predict(row).probability == pytest.approx(
        trees.predict(row).probability, abs=1e-5
    )
    network = runs[0].export("safetensors", to=str(tmp_path / "network.lepton"))
    assert not [name for name in network.manifest["files"] if "baseline" in name]


def test_what_was_fitted_beside_stands_in_the_same_table(runs: Any) -> None:
    report = lab.evaluate(runs[0])
    trees = report.beside["boosted trees"].values
    assert "boosted trees" in report._repr_mimebundle_()["text/html"]
    assert f"{trees['roc_auc']:.3f}" in str(report)


def test_weights_and_focus_reach_the_loss(classed: Any) -> None:
    built = tasks.get(classed.task).build(ModelSpec("lepton/mlp"), classed, 0)
    losses = {}
    for name, options in (
        ("plain", {}),
        ("weights", {"class_weights": "balanced"}),
        ("focal", {"focal": 2.0}),
    ):
        task = tasks.get(classed.task).create(built, TrainSpec(**options), True)
        batch = task.collate([task.training_item(classed.train, i) for i in range(40)])
        with torch.no_grad():
            whole = task.loss(built.module, batch, CPU)
            halves = [task.loss(built.module, batch.cut(i, i + 20), CPU) for i in (0, 20)]
        torch.testing.assert_close(sum(halves) / 2, whole)
        losses[name] = float(whole)
    assert len({round(value, 6) for value in losses.values()}) == 3
    counts = classed.train.counts()
    weights = [task.weight(classed.train, i) for i in (0, 1)]
    assert weights == [1.0, 1.0]
    task = tasks.get(classed.task).create(built, TrainSpec(class_weights="balanced"), True)
    weights = np.array([task.weight(classed.train, i) for i in (0, 1)])
    np.testing.assert_allclose(weights * counts, counts.sum() / 2, rtol=1e-6)


def test_a_row_of_another_table_is_named_before_the_first_step(runs: Any, classed: Any) -> None:
    other = lab.data(table(40).drop(columns=["age", "worth"]))
    task: RowTask = tasks.get(classed.task).create(runs[0].model.built, TrainSpec(), True)  # type: ignore[assignment]
    with pytest.raises(DataError, match=r"(?s)does not fit the model.*'age' is missing"):
        task.evaluation_item(other.train, 0)


def test_a_frame_of_a_notebook_is_kept_with_its_run(tmp_path: Path) -> None:
    frame = lab.data(table(60).drop(columns="worth"))
    assert handover.needed(frame)
    handover.save(frame, tmp_path / "data")
    again = handover.load(tmp_path / "data")
    assert again.fingerprint() == frame.fingerprint()
    assert (again.task, again.columns) == (frame.task, {"label": "churn"})
    assert [again.train.read(i) for i in range(5)] == [frame.train.read(i) for i in range(5)]


def test_a_model_that_waits_for_its_table_says_so() -> None:
    model = lab.load_model("lepton/mlp")
    with pytest.raises(LeptonError, match="lepton/mlp"):
        model.predict({"age": 1})
    with pytest.raises(LeptonError, match="does not learn from rows"):
        lab.load_model("lepton_glyphs").train(lab.data(table(60), drop="worth"), epochs=1)


def test_one_class_in_a_part_is_chance_and_not_nan(classed: Any) -> None:
    built = tasks.get(classed.task).build(ModelSpec("lepton/mlp"), classed, 0)
    task = tasks.get(classed.task).create(built, TrainSpec(), True)
    found = task.score(np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0, 0]))
    assert found["roc_auc"] == 0.5
    assert found["accuracy"] == 0.5


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.03, "are better"),
        (-0.03, -0.01, "This model is better"),
        (-0.1, 0.1, "No difference"),
    ],
)
def test_the_verdict_follows_the_interval(low: float, high: float, said: str) -> None:
    assert said in verdict((low + high) / 2, low, high, "roc_auc")
