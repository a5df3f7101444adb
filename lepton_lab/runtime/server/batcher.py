# SPDX-License-Identifier: BSD-3-Clause
"""The threads that run the model, on whatever has come in while they were busy.

A lone request never waits for company; under load batches form by themselves, and threads that are free
share what waits. A batch that fails is tried again one by one, so that one input cannot spoil the answers of
others.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Compute = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True, eq=False)
class _Job:
    row: Any
    future: asyncio.Future[Any]


class Batcher:
    """The queue in front of a model.

    Args:
        compute: Rows -> outputs, in order; called in the threads of the batcher alone.
        max_batch: Rows of a call.
        max_wait: Seconds to wait for a fuller batch.
        seen: Is told the size of each batch.
        workers: Calls at a time, those of `claim` among them.
    """

    def __init__(
        self, compute: Compute, max_batch: int, max_wait: float, seen: Callable[[int], None], workers: int = 1
    ) -> None:
        self._compute, self._max_batch, self._max_wait, self._seen = compute, max_batch, max_wait, seen
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._workers, self._busy = workers, 0
        self._loop = asyncio.get_running_loop()
        self._threads = [threading.Thread(target=self._work, name="model", daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether every thread still works."""
        return all(thread.is_alive() for thread in self._threads)

    def submit(self, row: Any) -> asyncio.Future[Any]:
        """Queue a row; the future holds its outputs."""
        future: asyncio.Future[Any] = self._loop.create_future()
        with self._changed:
            self._jobs.append(_Job(row, future))
            self._changed.notify()
        return future

    def claim(self) -> bool:
        """Take the place of a call that the caller makes itself; False where anything waits or none is free."""
        with self._changed:
            if self._jobs or not self._free() or self._max_wait or self._stopped:
                return False
            self._busy += 1
        self._seen(1)
        return True

    def release(self) -> None:
        """Give the place back."""
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Answer what is queued, then end the threads."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._next():
            self._seen(len(batch))
            results = self._run(batch)
            self._loop.call_soon_threadsafe(_deliver, list(zip(batch, results, strict=True)))
            self.release()

    def _next(self) -> list[_Job]:
        """The jobs of the next pass; none when it is time to end."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: (self._free() and self._jobs) or self._over())
                self._wait_for_more()
                # While it waited for more, others may have taken the jobs or the last free place.
                share = min(self._max_batch, -(-len(self._jobs) // max(1, self._free())))
                batch: list[_Job] = []
                while self._free() and self._jobs and len(batch) < share:
                    job = self._jobs.popleft()
                    if not job.future.cancelled():  # who asked has stopped waiting
                        batch.append(job)
                if batch:
                    self._busy += 1
                    return batch
                if self._over():
                    return batch

    def _free(self) -> int:
        return self._workers - self._busy

    def _over(self) -> bool:
        return self._stopped and not self._jobs

    def _wait_for_more(self) -> None:
        until = time.monotonic() + self._max_wait
        while self._jobs and len(self._jobs) < self._max_batch and not self._stopped:
            left = until - time.monotonic()
            if left <= 0:
                break
            self._changed.wait(left)

    def _run(self, batch: list[_Job]) -> list[Any]:
        try:
            return list(self._compute([job.row for job in batch]))
        except Exception as error:
            if len(batch) == 1:
                return [error]
        return [result for job in batch for result in self._run([job])]


def _deliver(results: list[tuple[_Job, Any]]) -> None:
    for job, result in results:
        if job.future.done():
            continue
        if isinstance(result, Exception):
            job.future.set_exception(result)
        else:
            job.future.set_result(result)
