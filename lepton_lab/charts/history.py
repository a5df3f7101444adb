# SPDX-License-Identifier: BSD-3-Clause
"""Events in, series out: what a run looks like at this moment.

`History` folds the events of one run, live from the bus or replayed from its journal, into the
numbers that pictures are made of. Adding an event is a handful of appends, because it happens on
the thread that trains; everything that costs (copies, medians, decimation) happens in `snapshot()`
and later, on the thread that draws. All steps are kept at full resolution.
"""

from __future__ import annotations

import math
import threading
import time
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from lepton_lab.charts.decimate import Floats
from lepton_lab.events import (
    Alert,
    Controlled,
    Evaluated,
    Event,
    Forked,
    Predicted,
    RunEnded,
    RunStarted,
    Saved,
    StepDone,
)

COLUMNS = ("step", "epoch", "loss", "learning_rate", "samples_per_second", "memory", "time")
WINDOW = 50
RECENT = 2
ENDED = frozenset({"done", "stopped", "failed", "interrupted"})
_UNKNOWN = RunStarted(
    run="", model="", data="", task="", metric="", epochs=0, steps_per_epoch=0, time=0.0
)


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment; nothing in it changes any more.

    Attributes:
        about: How the run was started (the latest start, after a resume).
        state: "starting", "running", "stopping", "paused", "done", "stopped",
            "failed", or "interrupted" when it never said how it ended.
        message: What the end of the run said.
        step: Optimizer steps done.
        epoch: The epoch of the latest event, from 1.
        elapsed: Seconds since the start, or of the whole run when it has ended.
        steps: (N, 7) float64, one row per step, columns as in `COLUMNS`.
        metrics: (split, name) -> ((M,) steps, (M,) values).
        best: The metrics marked best, or those that the end of the run named.
        best_step: The step of the latest evaluation marked best, 0 when there is none.
        alerts: All alerts, in order.
        controls: All control actions, in order.
        saves: All checkpoints that were written, in order.
        fork: Where the run left another one, with that one's curves, or None.
        predicted: What the model last said of a few samples, or None.
        broken: Steps whose loss was not finite, kept also when the run went back before them.
        now: The Unix time of this snapshot.
    """

    about: RunStarted
    state: str
    message: str
    step: int
    epoch: int
    elapsed: float
    steps: Floats
    metrics: dict[tuple[str, str], tuple[Floats, Floats]]
    best: dict[str, float]
    best_step: int
    alerts: tuple[Alert, ...]
    controls: tuple[Controlled, ...]
    saves: tuple[Saved, ...]
    fork: Forked | None
    predicted: Predicted | None
    broken: tuple[int, ...]
    now: float

    def column(self, name: str) -> Floats:
        """(N,) one value per step."""
        return self.steps[:, COLUMNS.index(name)]

    def last(self, name: str) -> float | None:
        """The latest value of a step column, or None before the first step."""
        return float(self.steps[-1, COLUMNS.index(name)]) if len(self.steps) else None

    @property
    def saved(self) -> Saved | None:
        """The latest checkpoint."""
        return self.saves[-1] if self.saves else None

    @property
    def kept(self) -> tuple[int, ...]:
        """Steps whose checkpoints are kept: the newest, the best, and those that were asked for."""
        asked = {order.step for order in self.controls if order.action == "checkpoint"}
        best = [save.step for save in self.saves if save.best][-1:]
        steps = {save.step for save in self.saves}
        return tuple(sorted({*sorted(steps)[-RECENT:], *best, *(asked & steps)}))

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self.state in ENDED

    @property
    def total_steps(self) -> int:
        """Steps that the run will take, 0 when it did not say."""
        orders = (o.values.get("steps") for o in reversed(self.controls) if o.action == "plan")
        return int(next(orders, 0) or self.about.steps or self._whole_epochs)

    @property
    def epochs(self) -> int:
        """Epochs that the run will take, 0 when it did not say; the last one may be cut short."""
        return math.ceil(self.total_steps / max(self.about.steps_per_epoch, 1))

    @property
    def _whole_epochs(self) -> int:
        return self.about.epochs * self.about.steps_per_epoch

    @property
    def fraction(self) -> float:
        """Share of the steps that are done, 0 to 1."""
        return min(self.step / self.total_steps, 1.0) if self.total_steps else 0.0

    @property
    def metric(self) -> str:
        """What to draw: the metric the run selects by, else the first that was measured."""
        names = [name for _, name in self.metrics if name != "loss"]
        return self.about.metric if self.about.metric in names or not names else names[0]

    @cached_property
    def steps_per_second(self) -> float | None:
        """From the median of the latest steps: one slow step or a pause does not move it."""
        seconds = self._gaps()
        return 1 / float(np.median(seconds)) if len(seconds) else None

    @cached_property
    def seconds_left(self) -> float | None:
        """Time to the last step, pauses between epochs (evaluation, checkpoints) included."""
        rate = self.steps_per_second
        return None if rate is None or not self.total_steps else self._left(1 / rate)

    @property
    def ends_between(self) -> tuple[float, float] | None:
        """For a run that has a time budget, the Unix times between which it is expected to end."""
        gaps = self._gaps()
        timed = any(order.action == "plan" for order in self.controls)
        if not timed or self.ended or not len(gaps):
            return None
        low, high = np.quantile(gaps, (0.25, 0.75))
        return self.now + self._left(float(low)), self.now + self._left(float(high))

    def _left(self, seconds: float) -> float:
        """Time to the last step when a step takes so many seconds."""
        epochs_left = max(self.epochs - self.epoch, 0)
        return max(self.total_steps - self.step, 0) * seconds + epochs_left * self._between_epochs()

    def _gaps(self) -> Floats:
        """Seconds of the latest steps that followed a step of the same epoch."""
        rows = self.steps[-WINDOW - 1 :]
        gaps = np.diff(rows[:, 6])
        same_epoch = np.diff(rows[:, 1]) == 0
        return np.asarray(gaps[same_epoch & (gaps > 0)], np.float64)

    def _between_epochs(self) -> float:
        """The median gap between two epochs, less a step."""
        first = np.flatnonzero(np.diff(self.steps[:, 1])) + 1
        if not len(first):
            return 0.0
        gaps = self.steps[first, 6] - self.steps[first - 1, 6]
        return max(float(np.median(gaps)) - 1 / (self.steps_per_second or np.inf), 0.0)


@dataclass
class _Curve:
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


class History:
    """The events of one run, folded.

    `add` may be called from one thread while others take snapshots. An event of a step that was
    already seen means that the run went back (a resume, a recovery): what came after that step is
    replaced.

    Args:
        run: The run's name, where it is known before the first event.

    >>> history = History.from_events([StepDone(1, 1, 0.7, 1e-3, 60.0, time=1.0)])
    >>> history.snapshot().last("loss")
    0.7
    """

    def __init__(self, run: str = "") -> None:
        self.version = 0
        self._lock = threading.Lock()
        self._rows = array("d")
        self._about = replace(_UNKNOWN, run=run)
        self._state, self._message = "starting", ""
        self._step = self._epoch = self._best_step = 0
        self._last_time = 0.0
        self._seconds: float | None = None
        self._curves: dict[tuple[str, str], _Curve] = {}
        self._best: dict[str, float] = {}
        self._alerts: list[Alert] = []
        self._controls: list[Controlled] = []
        self._saves: list[Saved] = []
        self._fork: Forked | None = None
        self._predicted: Predicted | None = None
        self._broken: list[int] = []
        self._fold: dict[type, Callable[[Any], None]] = {
            StepDone: self._step_done,
            RunStarted: self._started,
            Forked: self._forked,
            Evaluated: self._evaluated,
            Predicted: self._predictions,
            Saved: self._save,
            Controlled: self._controlled,
            Alert: self._alert,
            RunEnded: self._ended,
        }

    @classmethod
    def from_events(cls, events: Iterable[Event]) -> History:
        """The history of a journal, or of any other events in order."""
        history = cls()
        for event in events:
            history.add(event)
        return history

    def add(self, event: Event) -> None:
        """Fold one event, in constant time; kinds that it does not know are passed over."""
        with self._lock:
            fold = self._fold.get(type(event))
            if fold is None:
                return
            fold(event)
            self._last_time = event.time
            self.version += 1

    def end(self) -> None:
        """No more events will come; a run that did not say how it ended was interrupted."""
        with self._lock:
            if self._state not in ENDED:
                self._state = "interrupted"
                self.version += 1

    def snapshot(self, now: float | None = None) -> Snapshot:
        """A copy that later events do not change.

        Args:
            now: Unix seconds for the time elapsed of a run under way; the clock when left out.
        """
        now = time.time() if now is None else now
        with self._lock:
            rows = np.array(self._rows, dtype=np.float64)
            return Snapshot(
                about=self._about,
                state=self._state,
                message=self._message,
                step=self._step,
                epoch=self._epoch,
                elapsed=self._elapsed(now),
                steps=rows.reshape(-1, len(COLUMNS)),
                metrics={
                    key: (np.array(curve.steps, float), np.array(curve.values, float))
                    for key, curve in self._curves.items()
                },
                best=dict(self._best),
                best_step=self._best_step,
                alerts=tuple(self._alerts),
                controls=tuple(self._controls),
                saves=tuple(self._saves),
                fork=self._fork,
                predicted=self._predicted,
                broken=tuple(self._broken),
                now=now,
            )

    def _elapsed(self, now: float) -> float:
        if self._seconds is not None:
            return self._seconds
        end = now if self._state in ("running", "stopping") else self._last_time
        return max(end - self._about.time, 0.0) if self._about.time else 0.0

    def _started(self, event: RunStarted) -> None:
        self._about, self._state, self._message, self._seconds = event, "running", "", None
        self._go_back(event.step + 1)
        self._step = event.step

    def _step_done(self, event: StepDone) -> None:
        if event.step <= self._step:
            self._go_back(event.step)
        self._rows.extend(
            (
                event.step,
                event.epoch,
                event.loss,
                event.learning_rate,
                event.samples_per_second,
                event.memory,
                event.time,
            )
        )
        if not -_HUGE < event.loss < _HUGE:
            self._broken.append(event.step)
        self._step, self._epoch = event.step, event.epoch
        if self._state == "starting":
            self._state = "running"

    def _evaluated(self, event: Evaluated) -> None:
        self._epoch = event.epoch
        for name, value in event.values.items():
            curve = self._curves.setdefault((event.split, name), _Curve())
            if curve.steps and curve.steps[-1] == event.step:
                curve.steps.pop()
                curve.values.pop()
            curve.steps.append(event.step)
            curve.values.append(value)
        if event.best:
            self._best, self._best_step = dict(event.values), event.step

    def _forked(self, event: Forked) -> None:
        self._fork = event

    def _predictions(self, event: Predicted) -> None:
        self._predicted = event

    def _save(self, event: Saved) -> None:
        self._saves.append(event)

    def _controlled(self, event: Controlled) -> None:
        self._controls.append(event)
        self._state = _STATES.get(event.action, self._state)

    def _alert(self, event: Alert) -> None:
        self._alerts.append(event)

    def _ended(self, event: RunEnded) -> None:
        self._state, self._message, self._seconds = event.state, event.message, event.seconds
        self._step, self._epoch = max(self._step, event.step), max(self._epoch, event.epoch)
        self._best = dict(event.best) or self._best

    def _go_back(self, step: int) -> None:
        """Forget the steps from `step` on, and the evaluations of weights that no longer exist."""
        width = len(COLUMNS)
        while self._rows and self._rows[-width] >= step:
            del self._rows[-width:]
        for curve in self._curves.values():
            while curve.steps and curve.steps[-1] >= step:
                curve.steps.pop()
                curve.values.pop()
        if self._best_step >= step:
            self._best, self._best_step = {}, 0


_HUGE = float("inf")
_STATES = {"pause": "paused", "resume": "running", "stop": "stopping"}
