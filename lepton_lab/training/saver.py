# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints written behind the loop's back.

The loop only copies what is to be saved; a thread writes, flushes and renames it, then clears away what
need not be kept. The event `Saved` is emitted when the checkpoint is whole on disk, never before.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lepton_lab.errors import StorageError
from lepton_lab.events import Alert, Bus, Saved
from lepton_lab.training import checkpoint

WAITING = 2
LIMIT = float(os.environ.get("LEPTON_CHECKPOINT_GB", "10")) * 1e9


@dataclass(frozen=True)
class Job:
    """A copy of everything that one checkpoint holds."""

    step: int
    epoch: int
    trees: Mapping[str, Any]
    facts: Mapping[str, Any]
    best: bool
    pinned: bool


class Saver:
    """Writes the checkpoints of one run, in order.

    Args:
        folder: The run's checkpoint folder.
        bus: Gets `Saved`, and an `Alert` when the disk refuses.
    """

    def __init__(self, folder: Path, bus: Bus) -> None:
        self.folder, self.bus = folder, bus
        self.pinned: set[str] = checkpoint.pinned(folder)
        self.best = ""
        self._jobs: queue.Queue[Job | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._work, name="lepton-saver", daemon=True)
        self._thread.start()

    def save(self, job: Job) -> None:
        """Take a job; waits only when two are still being written."""
        self._jobs.put(job)

    def wait(self) -> None:
        """Return when everything that was taken is on disk."""
        with self._jobs.all_tasks_done:
            while self._jobs.unfinished_tasks and self._thread.is_alive():
                self._jobs.all_tasks_done.wait(0.1)

    def close(self) -> None:
        """Finish what was taken and end the thread. May be called again."""
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self._write(job)
            except StorageError as error:
                self.bus.emit(Alert(job.step, "error", error.what, error.todo))
            except Exception as error:
                self.bus.emit(Alert(job.step, "error", f"A checkpoint was not saved: {error}"))
            finally:
                self._jobs.task_done()
        self._jobs.task_done()

    def _write(self, job: Job) -> None:
        path = checkpoint.save(
            self.folder, job.step, job.trees, {**job.facts, "pinned": job.pinned}
        )
        if job.pinned:
            self.pinned.add(path.name)
        if job.best or not self.best:
            self.best = path.name
        self.bus.emit(Saved(job.step, job.epoch, f"checkpoints/{path.name}", job.best))
        kept = self.pinned | {self.best}
        checkpoint.prune(self.folder, keep=kept, limit=LIMIT, upto=job.step)


def copy_of(tree: Any) -> Any:
    """A tree of tensors and plain values, copied to the CPU so that training can go on with the original."""
    if isinstance(tree, torch.Tensor):
        return tree.detach().to("cpu", copy=True).contiguous()
    if isinstance(tree, Mapping):
        return {key: copy_of(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [copy_of(value) for value in tree]
    return tree


def finite(tree: Mapping[str, Any]) -> bool:
    """Whether every floating-point tensor of a flat tree is finite throughout."""
    floats = [v for v in tree.values() if isinstance(v, torch.Tensor) and v.is_floating_point()]
    return all(bool(torch.isfinite(value).all()) for value in floats)
