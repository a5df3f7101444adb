# SPDX-License-Identifier: BSD-3-Clause
"""The contract between the training loop and everyone who watches it.

The loop emits events and waits for nobody; the journal, the live card and the trackers subscribe.
An event is a frozen record with a JSON line of its own, so that the same file replays the same
chart with no kernel. Times are Unix seconds, sizes bytes, steps optimizer steps counted from 1
over the whole run, epochs counted from 1. A number that is not finite travels as the string "nan", "inf" or "-inf": JSON
has no such numbers, and a missing one must never be drawn as zero.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, TypeAlias

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunStarted:
    """A run begins (or goes on after a resume, when `step` is not 0).

    `steps` are those of the whole run, where its last epoch may be cut short; 0 is whole epochs.
    """

    kind: ClassVar[str] = "started"
    run: str
    model: str
    data: str
    task: str
    metric: str
    epochs: int
    steps_per_epoch: int
    step: int = 0
    device: str = ""
    steps: int = 0
    time: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Forked:
    """The run began at step `step` of the run `parent`, whose curves until today are drawn beside its own.

    `curves` has "split/metric" -> [steps, values], two lists of one length, thinned out.
    """

    kind: ClassVar[str] = "forked"
    step: int
    parent: str
    curves: dict[str, Any] = field(default_factory=dict)
    time: float = field(default_factory=time.time)


@dataclass(frozen=True)
class StepDone:
    """One optimizer step. `loss` is the mean over the effective batch, in training mode."""

    kind: ClassVar[str] = "step"
    step: int
    epoch: int
    loss: float
    learning_rate: float
    samples_per_second: float
    memory: int = 0
    time: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Evaluated:
    """The metrics of a split with the weights as of `step`, by their full names without the split."""

    kind: ClassVar[str] = "evaluated"
    step: int
    epoch: int
    split: str
    values: dict[str, float]
    best: bool = False
    time: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Predicted:
    """What the model says of a few samples of a split with the weights as of `step`.

    Each of `samples` has `place` (its index in the split), `expected`, `predicted` and `probability`.
    """

    kind: ClassVar[str] = "predicted"
    step: int
    epoch: int
    split: str
    samples: list[dict[str, Any]] = field(default_factory=list)
    time: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Saved:
    """A checkpoint is whole on disk. `path` is relative to the run's folder."""

    kind: ClassVar[str] = "saved"
    step: int
    epoch: int
    path: str
    best: bool = False
    time: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Controlled:
    """A control action took effect after `step` steps: stop, pause, resume, set, checkpoint."""

    kind: ClassVar[str] = "controlled"
    step: int
    action: str
    values: dict[str, Any] = field(default_factory=dict)
    time: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Alert:
    """Something the user should know: `level` is "info", "warning" or "error"."""

    kind: ClassVar[str] = "alert"
    step: int
    level: str
    message: str
    hint: str = ""
    time: float = field(default_factory=time.time)


@dataclass(frozen=True)
class RunEnded:
    """The last event of a run. `state` is "done", "stopped" or "failed"."""

    kind: ClassVar[str] = "ended"
    step: int
    epoch: int
    state: str
    seconds: float
    message: str = ""
    best: dict[str, float] = field(default_factory=dict)
    time: float = field(default_factory=time.time)


Event: TypeAlias = (
    RunStarted | Forked | StepDone | Evaluated | Predicted | Saved | Controlled | Alert | RunEnded
)
EVENTS: dict[str, type] = {
    cls.kind: cls
    for cls in (
        RunStarted,
        Forked,
        StepDone,
        Evaluated,
        Predicted,
        Saved,
        Controlled,
        Alert,
        RunEnded,
    )
}
_READ = {name: (cls, {f.name: str(f.type) for f in fields(cls)}) for name, cls in EVENTS.items()}


def to_line(event: Event) -> str:
    """One line of JSON without a line break.

    >>> to_line(Alert(3, "info", "hello", time=1.0))
    '{"event":"alert","step":3,"level":"info","message":"hello","hint":"","time":1.0}'
    """
    value = {"event": event.kind, **_plain(asdict(event))}
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def from_line(line: str) -> Event:
    """The event of a line. Unknown fields are dropped, so that newer journals still open.

    Raises:
        ValueError: The line is torn or is no event.
    """
    try:
        value = json.loads(line)
        cls, known = _READ[value.pop("event")]
        event: Event = cls(**{k: _typed(v, known[k]) for k, v in value.items() if k in known})
    except (AttributeError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError("not an event") from error
    return event


Subscriber: TypeAlias = Callable[[Event], None]


class Bus:
    """Hands each event to every subscriber, in order, on the emitting thread.

    A subscriber that raises is dropped, and when all have the event an Alert is sent to the others: a broken
    chart never ends a run.
    Subscribers must return at once (append to a buffer); none may call back into the loop. Several threads
    may emit (the loop, the one that writes checkpoints); each event reaches all before the next one does.
    """

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self._lock = threading.RLock()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Add a subscriber; the function returned removes it again."""
        self._subscribers.append(subscriber)
        return lambda: self._drop(subscriber)

    def emit(self, event: Event) -> None:
        """Hand `event` to all subscribers."""
        failures = []
        with self._lock:
            for subscriber in list(self._subscribers):
                try:
                    subscriber(event)
                except Exception as error:
                    logger.warning("a subscriber failed and was dropped", exc_info=True)
                    self._drop(subscriber)
                    failures.append(error)
        for failure in failures:
            self.emit(Alert(event.step, "warning", f"A watcher of this run failed: {failure}"))

    def _drop(self, subscriber: Subscriber) -> None:
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)


def _plain(value: Any) -> Any:
    """A value as JSON has it; numbers of NumPy and of torch become those of Python."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


_KINDS = {
    "int": int,
    "str": str,
    "bool": bool,
    "dict[str, Any]": dict,
    "list[dict[str, Any]]": list,
}


def _typed(value: Any, annotation: str) -> Any:
    if annotation == "float":
        return float(value)
    if annotation == "dict[str, float]":
        return {key: float(item) for key, item in value.items()}
    if not isinstance(value, _KINDS[annotation]):
        raise TypeError(f"{value!r} is no {annotation}")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise OverflowError(f"no {annotation} is so large")
    return value
