# SPDX-License-Identifier: BSD-3-Clause
"""The trackers of a run: checked before it has a folder, opened on its bus, told of its end before it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from lepton_lab.events import Bus, RunEnded
from lepton_lab.journal import RunFolder
from lepton_lab.trackers import Batches, Subject, trackers

SECONDS_AT_END = 10.0
_NO_SETTINGS = ("name", "track", "reasons")


def check_trackers(names: Sequence[str]) -> None:
    """Refuse trackers that do not exist or cannot be used here.

    Raises:
        NotFoundError: With the nearest names.
        LeptonError: A package is missing.
    """
    for record in [trackers.get(name) for name in names]:
        record.check()


def open_trackers(names: Sequence[str], folder: RunFolder, bus: Bus) -> Callable[[RunEnded], None]:
    """Let trackers follow a run.

    Args:
        names: Names of registered trackers.
        folder: The run's folder.
        bus: Where its events come from.

    Returns:
        Takes the last event, which is told to them before it is emitted; waits until all have stored it, but
        not longer than `SECONDS_AT_END`.

    Raises:
        LeptonError: As `check_trackers`.
    """
    if not names:
        return lambda last: None
    check_trackers(names)
    subject = _subject(folder)
    following = [
        Batches(name, trackers.get(name).open(subject), bus) for name in dict.fromkeys(names)
    ]

    def end(last: RunEnded) -> None:
        until = time.monotonic() + SECONDS_AT_END
        for one in following:
            one.end(last)
        for one in following:
            one.wait(until - time.monotonic())

    return end


def _subject(folder: RunFolder) -> Subject:
    record = folder.record
    settings = {**record["spec"]["train"], **record["plan"]}
    model, data, parent = record["model"], record["data"], record["parent"].get("run")
    return Subject(
        name=folder.name,
        folder=folder.path,
        settings={k: _plain(v) for k, v in settings.items() if k not in _NO_SETTINGS},
        facts={
            "model": str(model["name"]),
            "weights": str(model["weights"]),
            "data": str(data["name"]),
            "data_fingerprint": str(data["fingerprint"]),
            "task": str(record["spec"]["task"]),
        },
        parent=folder.path.parent / parent if parent else None,
    )


def _plain(value: Any) -> bool | int | float | str:
    if isinstance(value, (bool, int, float, str)):
        return value
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
