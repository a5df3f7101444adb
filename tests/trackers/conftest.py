# SPDX-License-Identifier: BSD-3-Clause
"""One small run, tracked by both trackers, and one store of MLflow for all tests of this folder."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.events import StepDone
from lepton_lab.training import checkpoint

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
OPTIONS: dict[str, Any] = {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3}


@pytest.fixture(scope="session")
def mlflow_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an empty local store; its tables take seconds to make, so they are made once."""
    from mlflow.tracking import MlflowClient

    address = f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"
    MlflowClient(address).search_experiments()
    return address


@pytest.fixture
def store(mlflow_store: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of the store, which trackers use too."""
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_store)
    return MlflowClient(mlflow_store)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.conftest import make_pictures

    return make_pictures(tmp_path_factory.mktemp("tracked") / "p", ("a|b", "c"), 12)


@pytest.fixture(scope="session")
def tracked(pictures: Path, mlflow_store: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run that was stopped, went on from a checkpoint of long before, and was tracked all the while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(tmp_path_factory.mktemp("runs")))
        patch.setenv("LEPTON_DISPLAY", "silent")
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_store)
        run = lab.train(
            "lepton_glyphs", lab.data(pictures), background=True, checkpoint_every=1,
            name="tracked", track=("tensorboard", "mlflow"), **OPTIONS,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if any(isinstance(e, StepDone) and e.step >= 2 for e in run.events):
                break
            time.sleep(0.005)
        run.stop().wait()
        assert run.state == "stopped", "the run was over before it could be stopped"
        shutil.rmtree(checkpoint.newest(run.folder.checkpoints)[0])
        run = lab.resume("tracked")
        assert run.state == "done"
        return run
