# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import threading
from pathlib import Path

import torch

from lepton_lab.events import Alert, Bus, Saved
from lepton_lab.training import checkpoint
from lepton_lab.training.saver import Job, Saver, copy_of, finite


def job(step: int, *, best: bool = False, pinned: bool = False) -> Job:
    return Job(step, 1, {"model": {"w": torch.full((4,), float(step))}}, {"best": {}}, best, pinned)


def test_saved_is_told_when_the_checkpoint_is_whole_on_disk(tmp_path: Path) -> None:
    seen: list[tuple[str, bool]] = []
    bus = Bus()
    bus.subscribe(lambda e: seen.append((e.path, (tmp_path / "step-3" / "state.json").exists())))
    saver = Saver(tmp_path, bus)
    saver.save(job(3))
    saver.close()
    assert seen == [("checkpoints/step-3", True)]


def test_what_training_changes_after_the_copy_is_not_saved(tmp_path: Path) -> None:
    weight = torch.zeros(4)
    copied = copy_of({"model": {"w": weight}})
    weight.fill_(9.0)
    checkpoint.save(tmp_path, 1, copied, {})
    assert checkpoint.weights(tmp_path / "step-1")["w"].tolist() == [0.0] * 4


def test_best_and_pinned_checkpoints_outlive_the_ring(tmp_path: Path) -> None:
    saver = Saver(tmp_path, Bus())
    saver.save(job(1, best=True))
    saver.save(job(2, pinned=True))
    for step in range(3, 8):
        saver.save(job(step))
    saver.close()
    assert {path.name for path in checkpoint.newest(tmp_path)} == {
        "step-1",
        "step-2",
        "step-6",
        "step-7",
    }
    assert Saver(tmp_path, Bus()).pinned == {"step-2"}


def test_closing_twice_or_after_the_worker_ended_never_blocks(tmp_path: Path) -> None:
    saver = Saver(tmp_path, Bus())
    saver.save(job(1))
    ended = threading.Event()

    def close() -> None:
        saver.close()
        saver.close()
        saver.wait()
        ended.set()

    threading.Thread(target=close, daemon=True).start()
    assert ended.wait(10)


def test_a_checkpoint_that_cannot_be_written_is_told_and_the_next_one_is(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("in the way")
    events: list[object] = []
    bus = Bus()
    bus.subscribe(events.append)
    saver = Saver(folder, bus)
    saver.save(job(1))
    saver.wait()
    folder.unlink()
    saver.save(job(2))
    saver.close()
    assert isinstance(events[0], Alert)
    assert isinstance(events[-1], Saved)


def test_numbers_that_are_not_finite_are_seen() -> None:
    assert finite({"a": torch.ones(3), "n": torch.tensor(3)})
    assert not finite({"a": torch.ones(3), "b": torch.tensor([1.0, float("inf")])})
