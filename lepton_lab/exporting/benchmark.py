# SPDX-License-Identifier: BSD-3-Clause
"""How fast an artifact answers on this machine, from the bytes that a user sends to the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lepton_lab.errors import DataError
from lepton_lab.rendering import Table
from lepton_lab.runtime.predictor import Predictor
from lepton_lab.runtime.verify import golden_samples

LEAST = 5


@dataclass(frozen=True)
class Timing:
    """One batch size.

    Attributes:
        batch: Inputs at once.
        prepare: Seconds that each input took to be decoded and prepared, of all rounds.
        answer: Seconds of each batch as a whole: prepared, computed, read.
    """

    batch: int
    prepare: tuple[float, ...]
    answer: tuple[float, ...]

    def p(self, percent: float) -> float:
        """Milliseconds in which this share of the batches was answered."""
        return float(np.percentile(self.answer, percent)) * 1000

    @property
    def rate(self) -> float:
        """Inputs per second, at the median."""
        return self.batch * 1000 / self.p(50)


@dataclass(frozen=True)
class Benchmark(Mapping[int, Timing]):
    """Timings by batch size, of the artifact's own golden samples on this machine.

    Attributes:
        name: Of the artifact.
        timings: One per batch size.
    """

    name: str
    timings: tuple[Timing, ...]

    def __getitem__(self, batch: int) -> Timing:
        return {timing.batch: timing for timing in self.timings}[batch]

    def __iter__(self) -> Any:
        return (timing.batch for timing in self.timings)

    def __len__(self) -> int:
        return len(self.timings)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        columns = ("batch", "p50 ms", "p95 ms", "of that prepared ms", "inputs per second", "batches")
        rows = [
            (t.batch, f"{t.p(50):.1f}", f"{t.p(95):.1f}", f"{np.median(t.prepare) * t.batch * 1000:.1f}", f"{t.rate:.0f}", len(t.answer))
            for t in self.timings
        ]
        return Table(columns, rows, f"{self.name} on this machine, from bytes to answers")._repr_mimebundle_()


def benchmark(folder: Path, batch_sizes: Sequence[int] = (1, 8, 32), seconds: float = 2.0) -> Benchmark:
    """Answer the golden samples of an artifact over and over; see `Artifact.benchmark`."""
    wrong = [size for size in batch_sizes if size < 1]
    if wrong or not batch_sizes or not seconds > 0:
        raise DataError(f"batch_sizes={list(batch_sizes)}, seconds={seconds} cannot be measured.", "", "artifact.benchmark()")
    predictor = Predictor(folder)
    sources = golden_samples(folder)
    predictor.predict(sources[:1])
    timings = [_timed(predictor, sources, size, seconds / len(batch_sizes)) for size in batch_sizes]
    return Benchmark(folder.name, tuple(timings))


def _timed(predictor: Predictor, sources: Sequence[Any], size: int, seconds: float) -> Timing:
    prepare: list[float] = []
    answer: list[float] = []
    ends, at = time.perf_counter() + seconds, 0
    while len(answer) < LEAST or time.perf_counter() < ends:
        part = [sources[(at + i) % len(sources)] for i in range(size)]
        at += size
        took = _took(lambda part=part: predictor.predict(part, batch=size))  # type: ignore[misc]
        prepare.append(_took(lambda part=part: predictor.prepare(part[0])))  # type: ignore[misc]
        answer.append(took)
    return Timing(size, tuple(prepare), tuple(answer))


def _took(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
