# SPDX-License-Identifier: BSD-3-Clause
"""A journal in short: where the run stands and a line of at most forty numbers.

A list of fifty runs is asked for every second, and a journal may have a hundred thousand lines. So a
file that did not change is not opened, of one that grew only the new bytes are read, and of a long
stretch of steps only some are looked at: all other events are, and the last step.
"""

from __future__ import annotations

import math
import stat
from pathlib import Path

from lepton_lab.events import (
    Evaluated,
    Event,
    RunEnded,
    RunStarted,
    StepDone,
    from_line,
)

SPARK = 40
CHUNK = 4 << 20
LOOKED_AT = 400
_STEP = b'{"event":"step"'


class Spark:
    """The mean of the values in at most `SPARK` equal stretches of steps.

    >>> spark = Spark()
    >>> for step in range(1, 101):
    ...     spark.add(step, float(step))
    >>> len(spark.values()), spark.values()[0]
    (26, 2.0)
    """

    def __init__(self) -> None:
        self._width = 1
        self._stretches: list[tuple[float, int]] = []

    def add(self, step: int, value: float) -> None:
        """Take the value of a step; a step before the latest means that the run went back there."""
        while step // self._width >= SPARK:
            self._halve()
        place = step // self._width
        del self._stretches[place + 1 :]
        self._stretches += [(0.0, 0)] * (place + 1 - len(self._stretches))
        if math.isfinite(value):
            total, count = self._stretches[place]
            self._stretches[place] = (total + value, count + 1)

    def go_back(self, step: int) -> None:
        """Forget the stretches that begin behind `step`."""
        del self._stretches[step // self._width + 1 :]

    def values(self) -> list[float]:
        """The means, oldest first, with four digits."""
        return [float(f"{total / count:.4g}") for total, count in self._stretches if count]

    def _halve(self) -> None:
        pairs = zip(self._stretches[::2], [*self._stretches[1::2], (0.0, 0)], strict=False)
        self._stretches = [(a + c, b + d) for (a, b), (c, d) in pairs]
        self._width *= 2


class Digest:
    """What a list says of a journal.

    Args:
        path: The journal; it need not be there yet.

    Attributes:
        started: The latest start.
        step: Optimizer steps done.
        epoch: The epoch of the latest event.
        best: The latest evaluation marked best.
        ended: The end, once it was told.
        memory: Bytes that the latest step used on its device.
        time: Unix seconds of the latest event.
        spark: The loss of the steps.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    def _forget(self) -> None:
        self._seen: tuple[int, int, int] | None = None
        self._offset = 0
        self.started: RunStarted | None = None
        self.step = self.epoch = self.memory = 0
        self.best: Evaluated | None = None
        self.ended: RunEnded | None = None
        self.time = 0.0
        self.spark = Spark()

    def read_on(self) -> None:
        """Take in what was written since the last call; a file that cannot be read changes nothing."""
        try:
            about = self.path.lstat()
        except OSError:
            return
        now = (about.st_ino, about.st_size, about.st_mtime_ns)
        if now == self._seen or not stat.S_ISREG(about.st_mode):
            return
        if self._seen is not None and (now[0] != self._seen[0] or now[1] < self._offset):
            self._forget()
        self._seen = now
        try:
            self._read()
        except OSError:
            self._seen = None

    def _read(self) -> None:
        with self.path.open("rb") as file:
            file.seek(self._offset)
            while chunk := file.read(CHUNK):
                whole = chunk[: chunk.rfind(b"\n") + 1]
                if not whole and len(chunk) < CHUNK:
                    return
                # A line longer than a chunk is damage, and is passed over.
                self._offset += len(whole) or len(chunk)
                self._take(whole.split(b"\n")[:-1])
                file.seek(self._offset)

    def _take(self, lines: list[bytes]) -> None:
        every = len(lines) // LOOKED_AT + 1
        last = len(lines) - 1
        for place, line in enumerate(lines):
            if place % every and place != last and line.startswith(_STEP):
                continue
            try:
                self._add(from_line(line.decode("utf-8", "replace")))
            except ValueError:
                continue

    def _add(self, event: Event) -> None:
        self.time = event.time
        if isinstance(event, StepDone):
            self.step, self.epoch, self.memory = event.step, event.epoch, event.memory
            if event.step > 0:
                self.spark.add(event.step, event.loss)
        elif isinstance(event, RunStarted):
            self.started, self.ended, self.step = event, None, event.step
            self.spark.go_back(max(event.step, 0))
            if self.best is not None and self.best.step > event.step:
                self.best = None
        elif isinstance(event, Evaluated):
            self.epoch = event.epoch
            self.best = event if event.best else self.best
        elif isinstance(event, RunEnded):
            self.ended = event
