# SPDX-License-Identifier: BSD-3-Clause
"""Runs that were stopped, killed, branched, repeated or disturbed end as if nothing had been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lepton_lab as lab
from lepton_lab.errors import LeptonError, SpecError
from lepton_lab.events import Alert, Controlled, StepDone

OPTIONS: dict[str, Any] = {
    "epochs": 3, "batch_size": 8, "learning_rate": 1e-3, "augment": "strong", "mixup": 0.2, "ema": 0.9,
    "checkpoint_every": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.conftest import make_pictures

    return make_pictures(tmp_path_factory.mktemp("on") / "p", ("a", "b", "c"), 16)


@pytest.fixture(scope="module")
def straight(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(tmp_path_factory.mktemp("straight")))
        patch.setenv("LEPTON_DISPLAY", "silent")
        return weights(lab.train("lepton_glyphs", lab.data(pictures), **OPTIONS))


def weights(run: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in run.model.module.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def at_step(run: Any, step: int) -> Any:
    """Wait until the journal holds that step."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(isinstance(e, StepDone) and e.step >= step for e in run.events):
            return run
        time.sleep(0.01)
    raise AssertionError(f"step {step} was never reached")


@pytest.mark.parametrize("kill_at", [1, 6, 11])
def test_a_killed_run_goes_on_to_the_same_bits(
    pictures: Path, straight: dict[str, torch.Tensor], own_runs: Path, kill_at: int
) -> None:
    code = f"import lepton_lab as lab; lab.train('lepton_glyphs', lab.data({str(pictures)!r}), name='killed', **{OPTIONS!r})"
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    journal = own_runs / "killed" / "events.jsonl"
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and child.poll() is None:
        if journal.exists() and journal.read_text().count('"event":"step"') >= kill_at:
            break
        time.sleep(0.005)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    run = lab.run("killed")
    if run.state == "done":
        pytest.skip("the run was over before it could be killed")
    assert run.state == "crashed"
    resumed = lab.resume("killed")
    assert resumed.state == "done"
    assert same(straight, weights(resumed))


def test_a_stopped_run_goes_on_to_the_same_bits(
    pictures: Path, straight: dict[str, torch.Tensor]
) -> None:
    run = lab.train("lepton_glyphs", lab.data(pictures), background=True, **OPTIONS)
    at_step(run, 3).stop().wait()
    assert run.state == "stopped"
    assert same(straight, weights(run.resume()))


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    pictures: Path, straight: dict[str, torch.Tensor]
) -> None:
    run = lab.train("lepton_glyphs", lab.data(pictures), background=True, **OPTIONS)
    at_step(run, 4).stop().wait()
    from lepton_lab.training import checkpoint

    newest = checkpoint.newest(run.folder.checkpoints)[0]
    (newest / "model.safetensors").write_bytes(b"torn")
    assert same(straight, weights(lab.resume(run)))


def test_a_done_run_or_changed_data_is_not_resumed(pictures: Path, tmp_path: Path) -> None:
    run = lab.train("lepton_glyphs", lab.data(pictures), epochs=1)
    with pytest.raises(LeptonError, match="is done"):
        lab.resume(run)
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(pictures, copy)
    run = lab.train("lepton_glyphs", lab.data(copy), background=True, **OPTIONS)
    at_step(run, 1).stop().wait()
    next((copy / "a").iterdir()).unlink()
    run._data = None
    with pytest.raises(LeptonError, match="is not what it was trained on"):
        run.resume()


def test_a_run_is_repeated_with_its_control_actions(pictures: Path) -> None:
    run = lab.train("lepton_glyphs", lab.data(pictures), background=True, **OPTIONS)
    at_step(run, 2).set(learning_rate=5e-3, clip=0.5)
    run.wait()
    again = lab.reproduce(run)
    actions = [(e.action, e.step, e.values) for e in run.events if isinstance(e, Controlled)]
    assert actions == [
        (e.action, e.step, e.values) for e in again.events if isinstance(e, Controlled)
    ]
    assert actions[0][0] == "set"
    assert same(weights(run), weights(again))
    rates = {e.step: e.learning_rate for e in run.events if isinstance(e, StepDone)}
    assert rates[actions[0][1] + 1] == pytest.approx(5e-3, rel=1e-6)


def test_questions_while_it_trains_change_no_bit(
    pictures: Path, straight: dict[str, torch.Tensor]
) -> None:
    run = lab.train("lepton_glyphs", lab.data(pictures), background=True, **OPTIONS)
    at_step(run, 1)
    found = run.evaluate_now()
    answer = run.predict_now(lab.data(pictures).val.read(0))
    run.checkpoint()
    run.wait()
    assert 0 <= found["accuracy"] <= 1
    assert answer.label in run.classes
    assert run.state == "done"
    assert same(straight, weights(run))


def test_a_pause_rests_and_changes_no_bit(
    pictures: Path, straight: dict[str, torch.Tensor]
) -> None:
    run = lab.train("lepton_glyphs", lab.data(pictures), background=True, **OPTIONS)
    at_step(run, 1).pause()
    # Checkpoints are written behind the loop's back; when they have come, nothing else may.
    before = 0
    while before < len(run.events):
        before = len(run.events)
        time.sleep(0.5)
    assert run.state == "paused"
    run.resume()
    assert same(straight, weights(run.wait()))


def test_a_stop_file_stops_a_run_of_another_process(pictures: Path, own_runs: Path) -> None:
    code = f"import lepton_lab as lab; lab.train('lepton_glyphs', lab.data({str(pictures)!r}), name='far', epochs=300)"
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        journal = own_runs / "far" / "events.jsonl"
        while (
            not (journal.exists() and '"event":"step"' in journal.read_text())
            and child.poll() is None
        ):
            time.sleep(0.05)
        lab.run("far").stop()
        assert child.wait(timeout=30) == 0
    finally:
        if child.poll() is None:
            child.kill()
    assert lab.run("far").state == "stopped"


def test_a_branch_starts_from_a_kept_checkpoint_with_its_own_values(pictures: Path) -> None:
    parent = lab.train("lepton_glyphs", lab.data(pictures), **{**OPTIONS, "checkpoint_every": 0})
    step = parent.best["step"]
    child = parent.branch(step=step, learning_rate=1e-4, epochs=4)
    assert child.record["parent"] == {"run": parent.name, "step": step, "learning_rate": 1e-4}
    assert child.events[0].step == step
    first = next(e for e in child.events if isinstance(e, StepDone))
    assert first.step == step + 1
    assert first.learning_rate <= 1e-4
    with pytest.raises(LeptonError, match="no checkpoint at step 999"):
        parent.branch(step=999)


def test_a_wrong_change_is_refused_before_it_is_ordered(pictures: Path) -> None:
    run = lab.train("lepton_glyphs", lab.data(pictures), background=True, **OPTIONS)
    with pytest.raises(SpecError, match="cannot change while"):
        run.set(optimizer="sgd")
    with pytest.raises(SpecError, match="learning-rate"):
        run.set(learning_rate="fast")
    run.wait()
    with pytest.raises(LeptonError, match="does not train"):
        run.set(learning_rate=1e-4)


def _disturbed(monkeypatch: pytest.MonkeyPatch, disturb: Any) -> None:
    """Let `disturb(call number, batch, loss)` see every loss and change it."""
    from lepton_lab.tasks.image_classification import ImageClassification

    original, calls = ImageClassification.loss, iter(range(10**6))

    def loss(self: Any, module: Any, batch: Any, device: Any) -> Any:
        return disturb(next(calls), batch, lambda: original(self, module, batch, device))

    monkeypatch.setattr(ImageClassification, "loss", loss)


def test_a_full_memory_keeps_batch_order_and_steps(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {
        **OPTIONS,
        "ema": 0.0,
        "mixup": 0.0,
        "optimizer": "sgd",
        "freeze": "backbone",
        "epochs": 1,
    }
    plain = lab.train("lepton_glyphs", lab.data(pictures), **options)

    def full(number: int, batch: Any, loss: Any) -> Any:
        if len(batch) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory (injected)")
        return loss()

    _disturbed(monkeypatch, full)
    small = lab.train("lepton_glyphs", lab.data(pictures), **options)
    assert small.state == "done"
    assert [e.step for e in small.events if isinstance(e, StepDone)] == list(
        range(1, len(plain.history["train/loss"]) + 1)
    )
    assert np.allclose(small.history["train/loss"], plain.history["train/loss"], atol=1e-5)
    assert any("2 x 4" in e.message for e in small.events if isinstance(e, Alert))
    a, b = weights(plain), weights(small)
    assert max(float((a[n].float() - b[n].float()).abs().max()) for n in a) < 1e-5


def test_a_memory_too_small_for_one_sample_ends_with_advice(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int, batch: Any, loss: Any) -> Any:
        raise torch.OutOfMemoryError("injected")

    _disturbed(monkeypatch, full)
    with pytest.raises(LeptonError, match="too small for a single sample"):
        lab.train("lepton_glyphs", lab.data(pictures), epochs=1)


def test_one_nan_goes_back_once_and_names_the_samples(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _disturbed(
        monkeypatch, lambda number, batch, loss: loss() * (float("nan") if number == 6 else 1.0)
    )
    run = lab.train("lepton_glyphs", lab.data(pictures), **OPTIONS)
    back = next(e for e in run.events if isinstance(e, Controlled) and e.action == "rollback")
    assert run.state == "done"
    assert back.values["from"] == 7
    assert back.step < 7
    assert len(back.values["samples"]) == 8
    assert back.values["learning_rate"] == pytest.approx(1e-4)
    assert all(
        bool(torch.isfinite(v).all()) for v in weights(run).values() if v.is_floating_point()
    )


def test_a_nan_that_returns_ends_the_run_with_names(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _disturbed(
        monkeypatch, lambda number, batch, loss: loss() * (float("nan") if number >= 4 else 1.0)
    )
    with pytest.raises(LeptonError, match="twice") as caught:
        lab.train("lepton_glyphs", lab.data(pictures), name="bad", **OPTIONS)
    assert ".png" in caught.value.why
    run = lab.run("bad")
    assert run.state == "failed"
    assert lab.load_model("bad").predict(lab.data(pictures).val.read(0)).probability > 0


def test_a_second_run_waits_for_the_first_and_both_end_as_if_alone(
    pictures: Path, straight: dict[str, torch.Tensor]
) -> None:
    data = lab.data(pictures)
    first = lab.train("lepton_glyphs", data, background=True, **OPTIONS)
    second = lab.train("lepton_glyphs", data, background=True, **OPTIONS)
    at_step(first, 1)
    assert second.state in ("starting", "queued")
    assert same(straight, weights(first.wait()))
    assert same(straight, weights(second.wait()))


def test_a_queued_run_can_be_stopped_before_its_turn(pictures: Path) -> None:
    data = lab.data(pictures)
    first = lab.train("lepton_glyphs", data, background=True, **OPTIONS)
    second = lab.train("lepton_glyphs", data, background=True, **OPTIONS)
    second.stop().wait()
    assert second.state == "stopped"
    assert first.wait().state == "done"
    assert second.resume().state == "done"


def test_a_branch_trains_with_its_own_values_and_not_its_parents(pictures: Path) -> None:
    parent = lab.train("lepton_glyphs", lab.data(pictures), **OPTIONS)
    options = {"step": parent.best["step"], "epochs": 4, "name": "child"}
    child = parent.branch(mixup=0.0, weight_decay=0.3, clip=0.1, label_smoothing=0.0, **options)
    from lepton_lab.training import checkpoint

    _, facts = checkpoint.load(checkpoint.newest(child.folder.checkpoints)[0])
    assert facts["spec"]["mixup"] == 0.0
    assert facts["spec"]["clip"] == 0.1
    groups = checkpoint.load(checkpoint.newest(child.folder.checkpoints)[0])[0]["optimizer"]
    assert {group["weight_decay"] for group in groups["param_groups"]} == {0.0, 0.3}
    again = lab.reproduce(child)
    assert same(weights(child), weights(again))
    parent.delete()
    child.delete()
    assert same(weights(again), weights(lab.reproduce(again)))


def test_a_process_that_ends_stops_its_run_and_does_not_abort(
    pictures: Path, own_runs: Path
) -> None:
    code = (
        "import time, lepton_lab as lab\n"
        f"run = lab.train('lepton_glyphs', lab.data({str(pictures)!r}), name='left', epochs=500, background=True)\n"
        "while not any(e.kind == 'step' for e in run.events): time.sleep(0.02)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert lab.run("left").state == "stopped"
