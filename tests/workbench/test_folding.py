# SPDX-License-Identifier: BSD-3-Clause
"""Cross-validation: every sample is held out once, groups stay together, and the ensemble is the mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.evaluation import Evaluation

FAST = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3}


def test_every_sample_is_held_out_once_and_test_never_moves(flowers: Path) -> None:
    data = lab.data(flowers)
    parts = [data.folded(f"{k}/3") for k in (1, 2, 3)]
    pool = {s.id for split in (data.train, data.val) for s in split}
    held = [{s.id for s in part.val} for part in parts]
    assert set.union(*held) == pool and sum(map(len, held)) == len(pool)
    for part in parts:
        assert {s.id for s in part.train} == pool - {s.id for s in part.val}
        assert [s.id for s in part.test] == [s.id for s in data.test]
        assert min(part.train.counts()) > 0
    sizes = [len(part.val) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert [s.id for s in lab.data(flowers, fold="2/3").val] == [s.id for s in parts[1].val]


def test_a_group_stays_in_one_fold(tmp_path: Path) -> None:
    from PIL import Image

    rows = ["file,label,patient"]
    for i in range(24):
        Image.fromarray(np.full((8, 8, 3), i * 9, np.uint8)).save(tmp_path / f"{i}.png")
        rows.append(f"{i}.png,{'ab'[i % 2]},{i // 4}")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    data = lab.data(tmp_path / "t.csv", image="file", label="label", group="patient")
    whose = {f"{i}.png": i // 4 for i in range(24)}
    for split in data.splits():
        others = {whose[s.id] for other in data.splits() if other is not split for s in other}
        assert not {whose[s.id] for s in split} & others
    for k in (1, 2, 3):
        part = data.folded(f"{k}/3")
        assert not {whose[s.id] for s in part.train} & {whose[s.id] for s in part.val}


@pytest.mark.parametrize("fold", ["0/3", "4/3", "1/1", "a/b", "1/999"])
def test_what_is_no_fold_is_refused(flowers: Path, fold: str) -> None:
    with pytest.raises(LeptonError, match=r"no fold|cannot be cut"):
        lab.data(flowers, fold=fold)


def test_folds_are_runs_of_their_own_and_their_ensemble_is_a_proven_artifact(
    flowers: Path, tmp_path: Path
) -> None:
    folds = lab.train("lepton_glyphs", lab.data(flowers), folds=2, name="cv", **FAST)
    assert [run.name for run in folds] == ["cv-fold1", "cv-fold2"]
    assert folds.pooled["n"] == sum(report["n"] for report in folds.reports)
    assert folds.mean == pytest.approx(sum(folds.values) / 2)
    picture = next(flowers.glob("*/*"))
    single = [run.model.predict(picture).probabilities for run in folds]
    np.testing.assert_allclose(
        folds.model.predict(picture).probabilities, np.mean(single, axis=0), atol=1e-6
    )
    artifact = folds.export(to=tmp_path / "mean.lepton")
    np.testing.assert_allclose(
        artifact.predict(picture).probabilities, np.mean(single, axis=0), atol=1e-4
    )
    assert folds.evaluate()["n"] == len(folds.data.test)
    again = lab.reproduce(folds[1])
    assert [s.id for s in again.data.val] == [s.id for s in folds[1].data.val]


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    """Eighty rows; the few who leave are the old ones, with some noise."""
    random = np.random.default_rng(0)
    ages = random.integers(18, 80, 80)
    rows = ["age,spent,churn"]
    for age in ages:
        leaves = age + random.normal(0, 6) > 62
        rows.append(f"{age},{random.normal():.3f},{'yes' if leaves else 'no'}")
    path = tmp_path / "customers.csv"
    path.write_text("\n".join(rows))
    return path


def test_folds_of_a_table_are_headed_by_the_metric_that_its_task_is_judged_by(
    customers: Path,
) -> None:
    data = lab.data(str(customers), task="tabular-classification", label="churn")
    folds = lab.train("lepton/mlp", data, folds=2, epochs=1, device="cpu")
    assert folds.metric == "roc_auc" == folds[0].best["metric"]
    assert folds.values == [report["roc_auc"] for report in folds.reports]
    shown = folds._repr_mimebundle_()["text/plain"]
    low, high = folds.pooled.intervals["roc_auc"]
    assert f"roc_auc {folds.mean:.3f} ± {folds.spread:.3f}" in " ".join(shown.split())
    assert f"{folds.pooled['roc_auc']:.3f} [{low:.3f}, {high:.3f}]" in shown
    one_class = Evaluation.from_predictions([[0.9, 0.1], [0.2, 0.8]], [0, 0], ["no", "yes"])
    assert replace(folds, reports=(folds.reports[0], one_class)).metric == "accuracy"
