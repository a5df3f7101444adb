# SPDX-License-Identifier: BSD-3-Clause
"""Batches in an order that is a pure function of (seed, epoch, index).

The loader is told which samples to fetch and under which seed; it decides nothing. So the batches are
the same whether the training thread loads them or any number of worker processes do, and a run that is
resumed at step N sees just what it would have seen.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from lepton_lab.datasets import Split
from lepton_lab.datasets.sampler import seed_sample
from lepton_lab.randomness import borrowed_generators
from lepton_lab.tasks import Batch, Task
from lepton_lab.training.seeds import step_seed


class Key(NamedTuple):
    """What a worker needs to fetch one training sample."""

    seed: int
    epoch: int
    sample: int


class TrainingItems(torch.utils.data.Dataset[Any]):
    """Samples by `Key`, augmented under the seed of (seed, epoch, index)."""

    def __init__(self, task: Task, split: Split) -> None:
        self.task, self.split = task, split

    def __getitem__(self, key: Key) -> Any:
        seed_sample(key.seed, key.epoch, key.sample)
        return self.task.training_item(self.split, key.sample)


class EvaluationItems(torch.utils.data.Dataset[Any]):
    """Samples by index, as the exported artifact will see them."""

    def __init__(self, task: Task, split: Split) -> None:
        self.task, self.split = task, split

    def __getitem__(self, index: int) -> Any:
        return self.task.evaluation_item(self.split, index)


def training_batches(
    task: Task,
    split: Split,
    *,
    seed: int,
    epoch: int,
    batch_size: int,
    steps: int,
    start: int,
    workers: int,
    shuffle: bool = True,
) -> Iterator[Batch]:
    """The batches of an epoch from step `start` (counted from 0 within the epoch) on.

    The last batch of an epoch is made whole with the first samples of the epoch's order.
    """
    sequence = task.order(split, seed, epoch, shuffle)
    sequence = np.resize(sequence, steps * batch_size)
    keys = [
        [Key(seed, epoch, int(i)) for i in sequence[step * batch_size : (step + 1) * batch_size]]
        for step in range(start, steps)
    ]
    for step, batch in enumerate(_fetch(TrainingItems(task, split), task, keys, workers), start):
        yield task.mix(batch, step_seed(seed, epoch, step))


def evaluation_batches(
    task: Task, split: Split, *, batch_size: int, workers: int
) -> Iterator[Batch]:
    """The split in its own order."""
    indexes = list(range(len(split)))
    keys = [indexes[i : i + batch_size] for i in range(0, len(indexes), batch_size)]
    return _fetch(EvaluationItems(task, split), task, keys, workers)


def _fetch(
    items: torch.utils.data.Dataset[Any], task: Task, keys: Sequence[Sequence[Any]], workers: int
) -> Iterator[Batch]:
    if workers == 0:
        for batch in keys:
            with borrowed_generators():
                made = task.collate([items[key] for key in batch])
            yield made
        return
    forked = multiprocessing.get_start_method() == "fork"
    loader = torch.utils.data.DataLoader(
        items,
        batch_sampler=keys,  # type: ignore[arg-type]
        num_workers=workers,
        collate_fn=task.collate,
        worker_init_fn=partial(_quiet_worker, parent=os.getpid() if forked else 0),
        generator=torch.Generator(),
        pin_memory=torch.cuda.is_available(),
    )
    with interrupts_held_back():
        batches = iter(loader)
    yield from batches


@contextlib.contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Processes that are started here begin with Ctrl-C blocked, until they have learned to ignore it.

    Otherwise one that comes while a worker starts kills the worker, and the run with it.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _quiet_worker(_: int, *, parent: int) -> None:
    """A worker leaves Ctrl-C to the kernel: a notebook's interrupt reaches the whole process group.

    One whose kernel died while it was starting would take its new parent for the kernel and wait for ever.
    """
    if parent and os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
