# SPDX-License-Identifier: BSD-3-Clause
"""The artifact's own predictor behind a bounded queue: prepare in parallel, compute in batches.

Whatever is accepted is answered or told why not; whatever would wait too long is not accepted.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import is_dataclass, replace
from typing import Any

from ..decode import describe_image
from ..errors import InputError
from ..predictor import Predictor
from .batcher import Batcher
from .metrics import Metrics
from .problem import Problem
from .settings import Settings
from .sources import Asked

_LATER = {"Retry-After": "1"}
_QUICK = ("classes", "labels", "number")  # answers that are made faster than handed to a thread


class Model:
    """What answers; `started` gives it its threads.

    Args:
        predictor: The artifact.
        settings: Limits.
        metrics: Counts batches.
    """

    def __init__(self, predictor: Predictor, settings: Settings, metrics: Metrics) -> None:
        self.predictor, self.settings, self.metrics = predictor, settings, metrics
        self.accepted = 0
        self._kind = predictor.manifest["preprocessing"]["kind"]
        self._quick = predictor.manifest["output"].get("kind", "classes") in _QUICK
        self._batcher: Batcher | None = None
        self._pool: ThreadPoolExecutor | None = None
        metrics.waiting = lambda: self.accepted

    @asynccontextmanager
    async def started(self) -> AsyncIterator[None]:
        """Run until the block ends; what is queued then is still answered."""
        settings, cores = self.settings, _cores()
        self._pool = ThreadPoolExecutor(max(2, cores), "prepare")
        # onnxruntime takes every core for one pass unless it is told how many threads it may have.
        workers = max(1, cores // settings.threads) if settings.threads else 1
        self._batcher = Batcher(
            self.predictor.outputs, settings.max_batch, settings.max_wait / 1000, self.metrics.batch, workers
        )
        try:
            yield
        finally:
            batcher, self._batcher = self._batcher, None
            await asyncio.to_thread(batcher.stop)
            self._pool.shutdown()

    @property
    def ready(self) -> bool:
        """Whether inputs are answered."""
        return self._batcher is not None and self._batcher.alive

    async def answers(self, asked: Asked, top: int = 5) -> list[Any]:
        """The answers for the inputs of a request, in order.

        Raises:
            Problem: 429 when too many wait already, 422 for an input that cannot be used, 503 when
                it takes too long.
        """
        count = len(asked.sources)
        if not self.ready:
            raise Problem(503, "the model does not answer at the moment", headers=_LATER)
        if self.accepted and self.accepted + count > self.settings.max_queue:
            raise Problem(429, f"{self.accepted} inputs wait already; come back later", headers=_LATER)
        self.accepted += count
        try:
            async with asyncio.timeout(self.settings.answer_seconds):
                return await self._answers(asked, top)
        except TimeoutError:
            seconds = f"{self.settings.answer_seconds:g}"
            raise Problem(503, f"there was no answer within {seconds} seconds", headers=_LATER) from None
        finally:
            self.accepted -= count

    async def made(self, make: Callable[[], bytes]) -> bytes:
        """The bytes of a reply; those that are long are made in a thread, so that others are not kept waiting."""
        if self._quick:
            return make()
        return await asyncio.get_running_loop().run_in_executor(self._pool, make)

    async def _answers(self, asked: Asked, top: int) -> list[Any]:
        batcher = self._batcher
        assert batcher is not None
        if len(asked.sources) == 1 and batcher.claim():
            try:
                return await self._each(self._alone, [(asked.sources[0], asked.fields[0], top)])
            finally:
                batcher.release()
        rows = await self._each(self._prepare, list(zip(asked.sources, asked.fields, strict=True)))
        outputs = await asyncio.gather(*map(batcher.submit, rows))
        left = [(o, r, top) for o, r in zip(outputs, rows, strict=True)]
        if self._quick:
            return [self._finish(*one) for one in left]
        return await self._each(self._finish, left)

    async def _each(self, function: Any, arguments: list[tuple[Any, ...]]) -> list[Any]:
        """Call in the threads of the pool; the first error, in order, is raised when all are through."""
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(self._pool, function, *given) for given in arguments]
        done = await asyncio.gather(*calls, return_exceptions=True)
        for found in done:
            if isinstance(found, BaseException):
                raise found
        return done

    def _alone(self, source: Any, field: str, top: int) -> Any:
        """The answer for the only input there is: handing it from thread to thread would take longer."""
        row = self._prepare(source, field)
        (outputs,) = self.predictor.outputs([row])
        return self._finish(outputs, row, top)

    def _prepare(self, source: Any, field: str) -> Any:
        try:
            if self._kind == "image":  # its head says the size, before memory is spent on it
                describe_image(source, max_pixels=self.settings.max_pixels)
            return self.predictor.prepare(source)
        except InputError as error:
            raise Problem(422, error.reason, field, error.code) from None

    def _finish(self, outputs: Any, row: Any, top: int) -> Any:
        answer = self.predictor.output.answer(outputs, row)
        if is_dataclass(answer) and hasattr(answer, "shown"):
            answer = replace(answer, shown=top)  # type: ignore[type-var]
        return answer


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
