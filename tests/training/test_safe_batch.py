# SPDX-License-Identifier: BSD-3-Clause
"""A micro-batch that fitted is remembered, said, forgotten, and changes no run that has begun."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

import lepton_lab as lab
from lepton_lab.events import Alert, Controlled, StepDone
from lepton_lab.training.safe_batch import FILE, Remember, recalled
from tests.faults.steps import change_loss

OPTIONS: dict[str, Any] = {
    "epochs": 1, "batch_size": 8, "learning_rate": 1e-3, "freeze": "backbone", "workers": 0,
}  # fmt: skip


def plan(batch_size: int = 64) -> Any:
    from lepton_lab.spec import TrainSpec
    from lepton_lab.training.plan import decide

    return decide(TrainSpec(batch_size=batch_size, device="cpu"), count=1000, pretrained=True)


def fits(most: int) -> Any:
    def change(call: int, batch: Any, loss: Any) -> Any:
        if len(batch) > most:
            raise torch.OutOfMemoryError("CUDA out of memory (injected)")
        return loss()

    return change


def same(a: Any, b: Any) -> bool:
    first, second = a.model.module.state_dict(), b.model.module.state_dict()
    return all(torch.equal(first[name], second[name]) for name in first)


def test_the_next_training_starts_with_what_fitted_and_no_earlier_one_changes(
    flowers: Path, own_runs: Path
) -> None:
    data = lab.data(flowers)
    before = lab.train("lepton_glyphs", data, **OPTIONS)
    with pytest.MonkeyPatch.context() as patch:
        change_loss(patch, fits(2))
        full = lab.train("lepton_glyphs", data, **OPTIONS)
        kept = json.loads((own_runs / FILE).read_text())
        after = lab.train("lepton_glyphs", data, **OPTIONS)
    assert list(kept.values()) == [2]
    shrunk = [e for e in full.events if isinstance(e, Controlled) and e.action == "micro_batch"]
    assert [e.values["samples"] for e in shrunk] == [4, 2]
    assert not any(isinstance(e, Controlled) for e in after.events), "it began with what fits"
    assert after.record["plan"]["micro_batch"] == 2
    told = [e.message for e in after.events if isinstance(e, Alert) and e.level == "info"]
    assert any("2 samples at once" in message and FILE in message for message in told)
    assert FILE in str(after._repr_mimebundle_()["text/html"])
    assert same(before, lab.reproduce(before)), "remembered later: not for this one"
    (own_runs / FILE).unlink()
    assert same(after, lab.reproduce(after)), "it is in the run's own plan"
    assert same(full, lab.reproduce(full)), "smaller from the same step on"
    assert not (own_runs / FILE).exists(), "a repetition knows nothing of the memory here"
    assert lab.train("lepton_glyphs", data, **OPTIONS).record["plan"]["micro_batch"] == 0


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"k": "2"}', '{"k": -1}', '{"k": true}', "\0"])
def test_a_damaged_file_is_no_advice_and_is_written_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert recalled(plan(), "k", tmp_path).micro_batch == 0
    watch = Remember(tmp_path, "k")
    watch(Controlled(3, "micro_batch", {"samples": 4}))
    assert recalled(plan(), "k", tmp_path).micro_batch == 0, "no step succeeded with it yet"
    watch(StepDone(4, 1, 0.5, 1e-3, 1.0))
    assert recalled(plan(), "k", tmp_path).micro_batch == 4
    assert recalled(plan(), "another", tmp_path).micro_batch == 0
    assert recalled(plan(4), "k", tmp_path).micro_batch == 0, "the whole batch fits"


def test_many_writers_leave_a_whole_file(tmp_path: Path) -> None:
    def write(number: int) -> None:
        for samples in range(1, 11):
            watch = Remember(tmp_path, f"k{number}")
            watch(Controlled(0, "micro_batch", {"samples": samples}))
            watch(StepDone(1, 1, 0.5, 1e-3, 1.0))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = json.loads((tmp_path / FILE).read_text())
    assert kept and set(kept) <= {f"k{n}" for n in range(4)}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_disk_that_refuses_ends_no_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    watch = Remember(tmp_path / "file", "k")
    watch(Controlled(0, "micro_batch", {"samples": 2}))
    watch(StepDone(1, 1, 0.5, 1e-3, 1.0))
