# SPDX-License-Identifier: BSD-3-Clause
"""Orders as a page gives them: by the run's name, and a branch that waits for its turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.workbench.listing import order


def wait_for(check: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_branch_ordered_from_the_page_keeps_its_checkpoint_while_the_parent_goes_on(
    flowers: Path,
) -> None:
    parent = lab.train(
        "lepton_glyphs", lab.data(flowers), epochs=2000, batch_size=8, background=True, name="trunk"
    )
    try:
        wait_for(lambda: parent.chart.snapshot().kept[1:])
        step = parent.chart.snapshot().kept[-1]
        for action, values in (("checkpoint", {}), ("evaluate", {}), ("set", {"lr": 1e-4})):
            order("trunk", action, values)
        order("trunk", "branch", {"step": step})
        wait_for(lambda: len(lab.runs()) == 2)
        child = next(run for run in lab.runs() if run.name != "trunk")
        wait_for(lambda: (child.path / "start" / f"step-{step}").is_dir())
    finally:
        parent.stop()
    assert parent.wait().state == "stopped"
    assert [e.action for e in parent.chart.snapshot().controls][:3] == [
        "checkpoint",
        "evaluate",
        "set",
    ]
    wait_for(lambda: child.history["train/loss"])
    child.stop()
    assert child.wait().state == "stopped"
    assert child.record["parent"] == {"run": "trunk", "step": step, "learning_rate": None}


@pytest.mark.parametrize(("name", "action"), [("nobody", "stop"), ("nobody", "branch")])
def test_an_order_to_a_run_that_is_not_there_is_refused(
    name: str, action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEPTON_RUNS", str(tmp_path))
    with pytest.raises(LeptonError):
        order(name, action, {})
