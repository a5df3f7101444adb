# SPDX-License-Identifier: BSD-3-Clause
"""What a tracker is: another program's store that also gets the numbers of a run.

A tracker is one file with one record. Its record opens a sink, which takes events in batches on a thread of
its own. A tracker from outside registers its record through the entry point group `lepton_lab.trackers`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lepton_lab.errors import LeptonError
from lepton_lab.events import Evaluated, Event, RunEnded, StepDone
from lepton_lab.registry import Registry


@dataclass(frozen=True)
class Subject:
    """The run that is tracked.

    Attributes:
        name: The run's name.
        folder: The run's folder.
        settings: What it trains with: name -> number, truth or text.
        facts: What it is: name -> text (model, data, task).
        parent: Folder of the run that it began from.
    """

    name: str
    folder: Path
    settings: dict[str, bool | int | float | str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    parent: Path | None = None


class Sink(Protocol):
    """Where batches of events go. All calls come from one thread, which is not the one that trains."""

    def write(self, events: Sequence[Event]) -> None:
        """Store the events, in order. May wait, may raise: neither reaches the training."""

    def close(self) -> None:
        """Let go of files and connections."""


@dataclass(frozen=True)
class Tracker:
    """A store that gets the numbers.

    Attributes:
        name: What `track` calls it.
        description: One line.
        check: Raises LeptonError when it cannot be used here, because a package is missing.
        open: The sink of one run; touches neither network nor disk.
    """

    name: str
    description: str
    check: Callable[[], None]
    open: Callable[[Subject], Sink]


trackers: Registry[Tracker] = Registry("tracker")


def needed(module: str, package: str, extra: str) -> Any:
    """Import a module of an optional package.

    Raises:
        LeptonError: The package is not installed; the message says what to type.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise LeptonError(
            f"The tracker '{extra}' needs the package {package}, which cannot be imported.",
            f"{error}.",
            f"pip install 'lepton-lab[{extra}]'",
        ) from error


def numbers(event: Event) -> dict[str, float]:
    """The numbers of an event under the names that `run.history` gives them.

    Metrics of weights measured on the training split are apart from the loss of the steps: `train-evaluation/loss`.

    >>> numbers(Evaluated(8, 1, "val", {"accuracy": 0.9}))
    {'val/accuracy': 0.9}
    """
    if isinstance(event, StepDone):
        return {
            "train/loss": event.loss,
            "learning_rate": event.learning_rate,
            "samples_per_second": event.samples_per_second,
            "memory": float(event.memory),
        }
    if isinstance(event, Evaluated):
        split = "train-evaluation" if event.split == "train" else event.split
        return {f"{split}/{name}": value for name, value in event.values.items()}
    if isinstance(event, RunEnded):
        return {f"best/{name}": value for name, value in event.best.items()}
    return {}
