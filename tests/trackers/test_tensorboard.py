# SPDX-License-Identifier: BSD-3-Clause
"""Event files by hand-made events: what is taken back, what is text, what is no number."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from lepton_lab.events import Alert, Controlled, Evaluated, Event, RunEnded, RunStarted, StepDone
from lepton_lab.trackers import Subject, trackers


def start(step: int = 0) -> RunStarted:
    return RunStarted("r", "m", "d", "t", "accuracy", 2, 5, step=step, time=100.0)


def step(number: int, loss: float) -> StepDone:
    return StepDone(number, 1, loss, 1e-3, 10.0, time=100.0 + number)


def write(folder: Path, *events: Event, **settings: Any) -> None:
    sink = trackers.get("tensorboard").open(Subject("r", folder, settings, {"model": "m"}))
    sink.write(events)
    sink.close()


def read(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder / "tensorboard")).Reload()


def rows(folder: Path, name: str) -> list[tuple[int, float]]:
    return [(scalar.step, scalar.value) for scalar in read(folder).Scalars(name)]


def test_steps_that_are_done_again_in_one_training_replace_the_first(tmp_path):
    write(
        tmp_path,
        start(),
        step(1, 1.0),
        step(2, 2.0),
        step(3, math.nan),
        step(2, 0.5),
        step(3, 0.25),
    )
    assert rows(tmp_path, "train/loss") == [(1, 1.0), (2, 0.5), (3, 0.25)]


def test_what_goes_on_from_a_checkpoint_replaces_the_steps_after_it(tmp_path):
    write(
        tmp_path,
        start(),
        step(1, 1.0),
        step(2, 2.0),
        Evaluated(2, 1, "val", {"accuracy": 0.5}),
        step(3, 3.0),
    )
    for loss in (0.25, 0.125):
        write(tmp_path, start(2), step(3, loss), step(4, loss))
    assert rows(tmp_path, "train/loss") == [(1, 1.0), (2, 2.0), (3, 0.125), (4, 0.125)]
    assert rows(tmp_path, "val/accuracy") == [(2, 0.5)]
    assert len(read(tmp_path).Tensors("run")) == 1
    assert len(list((tmp_path / "tensorboard").iterdir())) == 3


def test_a_run_that_begins_in_the_middle_of_another_still_says_what_it_is(tmp_path):
    write(tmp_path, start(40), step(41, 1.0), batch_size=8)
    assert read(tmp_path).Tensors("run")


def test_a_number_that_is_none_stays_one(tmp_path):
    write(tmp_path, start(), step(1, math.nan), step(2, math.inf))
    (_, first), (_, second) = rows(tmp_path, "train/loss")
    assert math.isnan(first)
    assert math.isinf(second)


def test_metrics_on_the_training_split_are_not_the_loss_of_the_steps(tmp_path):
    write(tmp_path, start(), step(1, 1.0), Evaluated(1, 1, "train", {"loss": 0.5}))
    assert rows(tmp_path, "train/loss") == [(1, 1.0)]
    assert rows(tmp_path, "train-evaluation/loss") == [(1, 0.5)]


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_a_run_that_may_go_on_is_not_called_over(tmp_path, state):
    write(tmp_path, start(), step(1, 1.0), RunEnded(1, 1, state, 1.0))
    assert "_hparams_/session_end_info" not in read(tmp_path).Tags()["tensors"]


def test_text_is_shown_as_it_is_and_never_as_markup(tmp_path):
    nasty = "<script>*x*</script> [a](b) `c` | d\n\u202ee"
    write(
        tmp_path,
        start(),
        Alert(1, "warning", nasty, "a hint", time=1.0),
        Controlled(1, "set", {"learning_rate": 0.5}, time=2.0),
        optimizer=nasty,
    )
    found = read(tmp_path)
    (alert,), (control,), (about,) = (found.Tensors(tag) for tag in ("alerts", "control", "run"))
    shown = r"&lt;script>\*x\*&lt;/script> \[a\](b) \`c\` \| d��e"
    assert alert.tensor_proto.string_val[0].decode() == f"**warning** {shown} a hint"
    assert control.tensor_proto.string_val[0].decode() == "**set** learning\\_rate=0.5"
    assert f"| optimizer | {shown} |" in about.tensor_proto.string_val[0].decode()
