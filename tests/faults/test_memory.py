# SPDX-License-Identifier: BSD-3-Clause
"""A full memory at any point: the step is done again in smaller parts, and what held the memory lets go."""

from __future__ import annotations

import gc
import random
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch

import lepton_lab as lab
from lepton_lab.events import Alert, StepDone
from lepton_lab.training.recover import release
from tests.faults.conftest import Tally
from tests.faults.steps import PLAIN, change_loss, difference, weights

FROZEN = {**PLAIN, "optimizer": "sgd", "freeze": "backbone", "workers": 0}
FULL = "CUDA out of memory (injected)"


def in_forward(number: int) -> Any:
    def change(call: int, batch: Any, loss: Any) -> Any:
        if call == number:
            raise torch.OutOfMemoryError(FULL)
        return loss()

    return change


def in_backward(number: int) -> Any:
    def change(call: int, batch: Any, loss: Any) -> Any:
        value = loss()
        if call == number:
            value.register_hook(refuse)
        return value

    return change


def refuse(_: Any) -> None:
    raise torch.OutOfMemoryError(FULL)


PLACES = {"forward pass": in_forward, "backward pass": in_backward}


@pytest.fixture(scope="module")
def plain(images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(tmp_path_factory.mktemp("plain")))
        patch.setenv("LEPTON_DISPLAY", "silent")
        run = lab.train("lepton_glyphs", lab.data(images), **FROZEN)
        return weights(run), len(run.history["train/loss"])


@pytest.mark.parametrize("place", PLACES)
def test_a_full_memory_at_a_random_step_changes_no_more_than_the_order_of_a_sum(
    images: Path, plain: tuple[dict[str, Any], int], full: bool, tally: Tally, own_runs: Path,
    record_property: Any, place: str,
) -> None:  # fmt: skip
    state, steps = plain
    calls, largest = random.Random(3).sample(range(steps), steps if full else 1), 0.0
    for call in calls:
        with pytest.MonkeyPatch.context() as patch:
            change_loss(patch, PLACES[place](call))
            run = lab.train("lepton_glyphs", lab.data(images), **FROZEN)
        (own_runs / "safe-batch.json").unlink()
        apart = difference(state, weights(run))
        largest = max(largest, apart)
        numbers = [e.step for e in run.events if isinstance(e, StepDone)]
        told = [e for e in run.events if isinstance(e, Alert) and "4 x 2" in e.message]
        passed = run.state == "done" and numbers == list(range(1, steps + 1)) and len(told) == 1
        tally(f"memory full in the {place}", passed and apart < 1e-5, f"call {call}: {apart} apart")
    record_property("largest difference", largest)
    tally.check()


def test_a_memory_for_one_sample_only_ends_done_with_batch_statistics(
    images: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A layer that normalizes over the batch is the hard case: nothing of it may end in an error."""

    def change(call: int, batch: Any, loss: Any) -> Any:
        if len(batch) > 1:
            raise torch.OutOfMemoryError(FULL)
        return loss()

    change_loss(monkeypatch, change)
    run = lab.train("lepton_glyphs", lab.data(images), **{**PLAIN, "ema": 0.9, "mixup": 0.2})
    assert any(isinstance(layer, torch.nn.BatchNorm2d) for layer in run.model.module.modules())
    finite = all(bool(torch.isfinite(v).all()) for v in weights(run).values())
    tally("memory for one sample, BatchNorm", run.state == "done" and finite, run.state)
    tally.check()


def test_a_full_memory_while_evaluating_takes_smaller_batches(
    images: Path, plain: tuple[dict[str, Any], int], tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lepton_lab.tasks.image_classification import ImageClassification

    original = ImageClassification.outputs

    def outputs(self: Any, module: Any, batch: Any, device: Any) -> Any:
        if len(batch) > 2:
            raise torch.OutOfMemoryError(FULL)
        return original(self, module, batch, device)

    monkeypatch.setattr(ImageClassification, "outputs", outputs)
    run = lab.train("lepton_glyphs", lab.data(images), **FROZEN)
    apart = difference(plain[0], weights(run))
    tally("memory full in an evaluation", run.state == "done" and apart < 1e-5, f"{apart} apart")
    tally.check()


def test_the_frames_that_ipython_remembers_let_go_of_their_memory(tally: Tally) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    there = InteractiveShell.initialized()
    shell = InteractiveShell.instance()
    try:
        shell.user_ns["watch"] = watched = []
        shell.run_cell(
            "def fill(watch):\n"
            "    import torch, weakref\n"
            "    activations = torch.zeros(1 << 20)\n"
            "    watch.append(weakref.ref(activations))\n"
            "    raise torch.OutOfMemoryError('injected')\n"
            "fill(watch)"
        )
        gc.collect()
        assert watched[0]() is not None, "IPython no longer keeps frames: this test shows nothing"
        release()
        tally("frames remembered by IPython", watched[0]() is None, "still held")
    finally:
        if not there:
            InteractiveShell.clear_instance()
    tally.check()


def test_a_run_that_ends_for_want_of_memory_holds_none(
    images: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lepton_lab.errors import LeptonError

    held: list[weakref.ref[Any]] = []

    def change(call: int, batch: Any, loss: Any) -> Any:
        value = loss()
        activations = value.new_zeros(1 << 20)
        held.append(weakref.ref(activations))
        raise torch.OutOfMemoryError(FULL)

    change_loss(monkeypatch, change)
    with pytest.raises(LeptonError, match="single sample") as caught:
        lab.train("lepton_glyphs", lab.data(images), **PLAIN)
    alive = [ref for ref in held if ref() is not None]
    tally("memory held by the error of a run", not alive, f"{len(alive)} of {len(held)}")
    assert len(str(caught.value).split("\n")) == 3
    assert not hasattr(sys, "last_traceback") or sys.last_traceback is None
    tally.check()
