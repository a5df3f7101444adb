# SPDX-License-Identifier: BSD-3-Clause
"""What TensorBoard and MLflow read back of a real run is what its journal says, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError, NotFoundError
from lepton_lab.events import Alert, Evaluated, RunEnded, RunStarted, StepDone
from lepton_lab.trackers.mlflow import remembered
from tests.trackers.conftest import OPTIONS


def told(run: Any) -> dict[str, dict[int, tuple[float, float]]]:
    """Name -> step -> (value, time) by the journal; a step that was done again counts as it was last."""
    table: dict[str, dict[int, tuple[float, float]]] = {}
    for event in run.folder.events():
        values: dict[str, float] = {}
        if isinstance(event, StepDone):
            values = {"train/loss": event.loss, "learning_rate": event.learning_rate}
            values |= {"samples_per_second": event.samples_per_second, "memory": event.memory}
        elif isinstance(event, Evaluated):
            values = {f"{event.split}/{name}": value for name, value in event.values.items()}
        for name, value in values.items():
            table.setdefault(name, {})[event.step] = (value, event.time)
    return table


def read(run: Any) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    everything = {"scalars": 0, "tensors": 0}
    return EventAccumulator(str(run.path / "tensorboard"), size_guidance=everything).Reload()


def test_the_run_did_some_steps_twice(tracked):
    steps = [event.step for event in tracked.folder.events() if isinstance(event, StepDone)]
    assert len(steps) > len(set(steps)) == tracked.record["step"]


def test_tensorboard_has_every_number_of_every_step_once(tracked):
    found = read(tracked)
    expected = told(tracked)
    assert len(expected["train/loss"]) == tracked.record["step"] > 2
    assert any(name.startswith("val/") for name in expected)
    for name, rows in expected.items():
        scalars = found.Scalars(name)
        assert [scalar.step for scalar in scalars] == sorted(rows)
        for scalar in scalars:
            value, time = rows[scalar.step]
            assert scalar.value == np.float32(value)
            assert scalar.wall_time == time


def test_tensorboard_has_the_settings_the_best_and_the_orders(tracked):
    found = read(tracked)
    ended = [event for event in tracked.folder.events() if isinstance(event, RunEnded)][-1]
    assert ended.best
    for name, value in ended.best.items():
        assert found.Scalars(f"best/{name}")[-1].value == np.float32(value)
    (about,) = found.Tensors("run")
    table = about.tensor_proto.string_val[0].decode()
    assert "| learning\\_rate | 0.001 |" in table
    assert "| batch\\_size | 8 |" in table
    assert [b"**stop**" in e.tensor_proto.string_val[0] for e in found.Tensors("control")] == [True]


def test_tensorboard_shows_the_run_among_the_hyperparameters(tracked):
    from tensorboard.plugins.hparams import metadata

    found = read(tracked)
    contents = found.PluginTagToContent("hparams")
    start = metadata.parse_session_start_info_plugin_data(contents[metadata.SESSION_START_INFO_TAG])
    end = metadata.parse_session_end_info_plugin_data(contents[metadata.SESSION_END_INFO_TAG])
    assert start.hparams["learning_rate"].number_value == 1e-3
    assert start.hparams["optimizer"].string_value == "adamw"
    assert start.hparams["keep_best"].bool_value is True
    assert start.group_name == "tracked"
    assert end.status == 1


def test_mlflow_has_every_number_of_every_step_once(tracked, store):
    there = remembered(tracked.path)["run_id"]
    for name, rows in told(tracked).items():
        history = store.get_metric_history(there, name)
        assert [metric.step for metric in history] == sorted(rows)
        if name in ("train/loss", "learning_rate", "val/accuracy"):
            assert [metric.value for metric in history] == [rows[step][0] for step in sorted(rows)]


def test_mlflow_tells_when_each_number_was_measured(tracked, store):
    there = remembered(tracked.path)["run_id"]
    times: dict[int, set[int]] = {}
    for event in tracked.folder.events():
        if isinstance(event, StepDone):
            times.setdefault(event.step, set()).add(round(event.time * 1000))
    history = store.get_metric_history(there, "train/loss")
    assert all(metric.timestamp in times[metric.step] for metric in history)


def test_a_run_that_went_on_is_one_finished_run_in_mlflow(tracked, store):
    found = store.get_run(remembered(tracked.path)["run_id"])
    events = list(tracked.folder.events())
    assert found.info.run_name == "tracked"
    assert found.info.status == "FINISHED"
    assert found.info.start_time == round(
        next(e.time for e in events if isinstance(e, RunStarted)) * 1000
    )
    assert found.info.end_time == round(events[-1].time * 1000)
    assert found.data.params["learning_rate"] == "0.001"
    assert found.data.params["steps_per_epoch"] == str(tracked.record["plan"]["steps_per_epoch"])
    assert found.data.tags["lepton.folder"] == "tracked"
    assert found.data.tags["lepton.model"] == "lepton_glyphs"
    others = store.search_runs([found.info.experiment_id], "tags.`lepton.folder` = 'tracked'")
    assert len(others) == 1


def test_the_journal_ends_with_the_end_and_tells_of_no_trouble(tracked):
    events = list(tracked.folder.events())
    assert isinstance(events[-1], RunEnded)
    assert not [event for event in events if isinstance(event, Alert)]


def test_an_unknown_tracker_is_refused_before_there_is_a_run(pictures, own_runs):
    with pytest.raises(NotFoundError, match="Did you mean tensorboard") as refused:
        lab.train("lepton_glyphs", lab.data(pictures), track=("tensorbord",), **OPTIONS)
    assert "tensorbord" in refused.value.what
    assert not own_runs.exists()


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("tensorboard", "tensorboard.compat.proto.event_pb2"),
        ("mlflow", "mlflow.tracking"),
        ("mlflow", "alembic"),
    ],
)
def test_a_missing_package_is_named_before_there_is_a_run(
    pictures, own_runs, monkeypatch, name, module
):
    import sys

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(LeptonError) as refused:
        lab.train("lepton_glyphs", lab.data(pictures), track=name, **OPTIONS)
    assert refused.value.todo == f"pip install 'lepton-lab[{name}]'"
    assert not own_runs.exists()
