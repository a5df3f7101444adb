# SPDX-License-Identifier: BSD-3-Clause
"""A training in a process of its own: the same bits, the same orders, and a crash that stays there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

import lepton_lab as lab
from lepton_lab import mailbox
from lepton_lab.errors import LeptonError
from lepton_lab.workbench.handle import Run

MODEL = "lepton_glyphs"
SHORT = {"epochs": 2, "batch_size": 16, "mixup": 0.2, "ema": 0.9, "learning_rate": 1e-3}


def _data() -> lab.ImageDataset:
    random = np.random.default_rng(0)
    labels = np.arange(60) % 2
    pixels = random.integers(0, 100, (60, 28, 28), dtype=np.uint8)
    pixels[labels == 1, :, :14] += 120
    return lab.ImageDataset.from_arrays(pixels, labels)


def _until(reached: Callable[[], object], seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.05)


def _weights(run: Run) -> dict[str, torch.Tensor]:
    return dict(run.model.module.state_dict())


def _same(one: Run, other: Run) -> bool:
    a, b = _weights(one), _weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def _pid(run: Run) -> int:
    return int(run.record["process"]["pid"])


@pytest.fixture
def long_run() -> Run:
    run = lab.train(MODEL, _data(), isolate=True, background=True, **{**SHORT, "epochs": 2000})
    _until(lambda: run.history["train/loss"] or run.state == "failed")
    assert _pid(run) != os.getpid()
    yield run
    if run.state in ("running", "paused"):
        run.stop()
        run.wait(30)


def test_the_result_is_the_same_bit_for_bit() -> None:
    data = _data()
    here = lab.train(MODEL, data, **SHORT)
    there = lab.train(MODEL, data, isolate=True, **SHORT)
    assert there.state == "done" and _pid(there) != os.getpid()
    assert _same(here, there)
    assert here.history["train/loss"] == there.history["train/loss"]
    assert not (there.path / "start.safetensors").exists()


def test_orders_reach_it_from_here_and_from_another_kernel(long_run: Run) -> None:
    long_run.pause()
    _until(lambda: long_run.state == "paused")
    step = long_run.events[-1].step
    values = long_run.evaluate_now()
    assert 0.0 <= values["accuracy"] <= 1.0
    picture = np.zeros((28, 28, 3), np.uint8)
    assert long_run.predict_now(picture).label in ("0", "1")
    assert not list(long_run.path.glob("moment-*"))
    assert long_run.events[-1].step == step
    with pytest.raises(LeptonError, match='There is no split "tset"'):
        long_run.evaluate_now("tset")
    long_run.set(learning_rate=1e-5)
    long_run.resume()
    _until(lambda: long_run.events[-1].step > step + 2)
    actions = [e.action for e in long_run.events if e.kind == "controlled"]
    assert actions[0] == "pause" and {"set", "resume", "evaluate"} <= set(actions)
    mailbox.post(long_run.path, "set", {"epochs": 3})
    _until(
        lambda: any(e.kind == "alert" and "'epochs' cannot" in e.message for e in long_run.events)
    )

    elsewhere = Run(lab.run(long_run.name).folder)
    elsewhere.pause()
    _until(lambda: elsewhere.state == "paused")
    assert 0.0 <= elsewhere.evaluate_now()["accuracy"] <= 1.0
    elsewhere.stop()
    assert elsewhere.wait().state == "stopped"


def test_a_crash_stays_in_its_process_and_the_run_goes_on_from_there(long_run: Run) -> None:
    long_run.checkpoint()
    _until(lambda: any(e.kind == "saved" and e.step > 0 for e in long_run.events))
    os.kill(_pid(long_run), signal.SIGKILL)
    with pytest.raises(LeptonError, match="killed by SIGKILL"):
        long_run.wait()
    assert long_run.state == "failed"
    assert long_run.events[-1].kind == "ended"
    step = max(int(p.name[5:]) for p in (long_run.path / "checkpoints").glob("step-*"))
    going = lab.resume(long_run, background=True, isolate=True)
    _until(lambda: going.events[-1].kind == "step" and going.events[-1].step > step)
    going.stop()
    assert going.wait().state == "stopped"


def test_it_does_not_outlive_its_kernel(own_runs: Path) -> None:
    code = (
        "import numpy as np, time, lepton_lab as lab\n"
        "pixels = np.random.default_rng(0).integers(0, 255, (60, 28, 28), dtype=np.uint8)\n"
        "data = lab.ImageDataset.from_arrays(pixels, np.arange(60) % 2)\n"
        "run = lab.train('lepton_glyphs', data, name='orphan', epochs=2000, batch_size=16,\n"
        "                isolate=True, background=True)\n"
        "while not run.history['train/loss']: time.sleep(0.1)\n"
        "print('trains', flush=True)\n"
        "time.sleep(600)\n"
    )
    kernel = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert kernel.stdout is not None and kernel.stdout.readline() == "trains\n"
    run = lab.run("orphan")
    trainer = psutil.Process(_pid(run))
    kernel.kill()
    kernel.wait()
    trainer.wait(30)
    assert run.state == "stopped"
    assert any(e.kind == "controlled" and "kernel" in str(e.values) for e in run.events)


def test_what_goes_wrong_there_is_told_here_in_its_own_words(flowers: Path) -> None:
    data = lab.data(flowers)
    next(flowers.glob("rose/*")).unlink()
    with pytest.raises(LeptonError, match="not what it was trained on"):
        lab.train(MODEL, data, isolate=True, **SHORT)
    (run,) = lab.runs()
    assert run.state == "failed"
    assert [e.kind for e in run.events] == ["alert", "ended"]
