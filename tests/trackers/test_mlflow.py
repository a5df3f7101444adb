# SPDX-License-Identifier: BSD-3-Clause
"""An MLflow run by hand-made events: limits, states, parents, runs that are gone, servers that are not there."""

from __future__ import annotations

import json
import math
import socket
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.events import Alert, Event, RunEnded, RunStarted, StepDone
from lepton_lab.trackers import Subject, trackers
from lepton_lab.trackers.mlflow import remembered
from tests.trackers.conftest import OPTIONS


def start(step: int = 0) -> RunStarted:
    return RunStarted("r", "m", "d", "t", "accuracy", 2, 5, step=step, time=100.0)


def step(number: int, loss: float = 0.5) -> StepDone:
    return StepDone(number, 1, loss, 1e-3, 10.0, time=100.0 + number)


def write(folder: Path, *events: Event, parent: Path | None = None, **settings: Any) -> str:
    subject = Subject(folder.name, folder, settings, {"model": "m"}, parent)
    sink = trackers.get("mlflow").open(subject)
    sink.write(events)
    sink.close()
    return remembered(folder)["run_id"]


def test_a_batch_of_thousands_is_cut_to_what_a_request_may_hold(store, tmp_path):
    there = write(tmp_path, start(), *[step(number, number / 7) for number in range(1, 1502)])
    history = store.get_metric_history(there, "train/loss")
    assert [(m.step, m.value) for m in history] == [(n, n / 7) for n in range(1, 1502)]
    assert history[0].timestamp == 101_000


def test_many_and_long_settings_are_cut_to_what_a_request_may_hold(store, tmp_path):
    there = write(tmp_path, start(), long="x" * 9000, **{f"p{n}": n for n in range(230)})
    params = store.get_run(there).data.params
    assert len(params) == 231
    assert params["long"] == "x" * 500


@pytest.mark.parametrize(
    ("state", "status"), [("done", "FINISHED"), ("stopped", "KILLED"), ("failed", "FAILED")]
)
def test_the_state_is_told_and_goes_back_to_running_when_the_run_goes_on(
    store, tmp_path, state, status
):
    there = write(tmp_path, start(), step(1), RunEnded(1, 1, state, 1.0, "why", {"accuracy": 0.5}))
    found = store.get_run(there)
    assert found.info.status == status
    assert found.data.tags["lepton.message"] == "why"
    assert found.data.metrics["best/accuracy"] == 0.5
    assert write(tmp_path, start(1), step(2)) == there
    assert store.get_run(there).info.status == "RUNNING"


def test_steps_that_are_done_again_are_not_told_again(store, tmp_path):
    there = write(tmp_path, start(), step(1), step(2, math.nan), step(2, 0.25), step(3, 0.125))
    write(tmp_path, start(2), step(3, 7.0), step(4, 8.0))
    history = store.get_metric_history(there, "train/loss")
    assert [metric.step for metric in history] == [1, 2, 3, 4]
    assert [metric.value for metric in history][2:] == [0.125, 8.0]


def test_a_child_lies_below_its_parent(store, tmp_path):
    (tmp_path / "parent").mkdir()
    (tmp_path / "child").mkdir()
    above = write(tmp_path / "parent", start())
    below = write(tmp_path / "child", start(4), step(5), parent=tmp_path / "parent")
    tags = store.get_run(below).data.tags
    assert tags["lepton.parent"] == "parent"
    assert tags["mlflow.parentRunId"] == above


def test_a_run_that_was_deleted_there_is_made_anew(store, tmp_path):
    there = write(tmp_path, start(), step(1))
    store.delete_run(there)
    anew = write(tmp_path, start(1), step(2))
    assert anew != there
    assert [m.step for m in store.get_metric_history(anew, "train/loss")] == [2]


def test_a_damaged_memory_starts_a_run_of_its_own(store, tmp_path):
    (tmp_path / "mlflow.json").write_text("[1")
    assert store.get_run(write(tmp_path, start(), step(1))).info.status == "RUNNING"


def test_the_experiment_is_the_one_that_the_environment_names(store, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "flowers")
    there = write(tmp_path, start())
    assert store.get_experiment(store.get_run(there).info.experiment_id).name == "flowers"


def test_a_server_that_is_not_there_is_told_once_and_its_password_never(
    pictures, monkeypatch, own_runs
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@{address}")
    run = lab.train("lepton_glyphs", lab.data(pictures), track="mlflow", **OPTIONS)
    events = list(run.folder.events())
    (alert,) = [event for event in events if isinstance(event, Alert)]
    assert run.state == "done"
    assert isinstance(events[-1], RunEnded)
    assert f"http://{address} does not answer" in alert.message
    assert "secret" not in "".join(p.read_text() for p in run.path.glob("*.json*"))


def test_a_password_is_not_kept_in_the_folder(tmp_path):
    from lepton_lab.trackers.mlflow import _public

    assert _public("https://me:pw@host:5/x?token=1") == "https://host:5/x"
    assert _public("sqlite:////a/b.db") == "sqlite:////a/b.db"
    (tmp_path / "mlflow.json").write_text(json.dumps({"run_id": "a"}))
    assert remembered(tmp_path) == {}
