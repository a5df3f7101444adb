# SPDX-License-Identifier: BSD-3-Clause
"""How fast models are on this computer: measured on demand, and read off the runs that there are.

What was measured is kept in a small file beside the runs, under the name of the computer.
"""

from __future__ import annotations

import contextlib
import logging
import platform
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from lepton_lab import durable
from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.journal import run_folders, runs_root
from lepton_lab.spec import ModelSpec

BATCH = 8
SECONDS = 1.0
logger = logging.getLogger(__name__)
FILE = "_speeds.json"
_failed: set[str] = set()


def known(name: str) -> float | None:
    """Images a second that a model answers here (forward pass, batches of 8); None if not measured."""
    return _measured().get(name)


def here() -> dict[str, float]:
    """Model -> images a second on this computer: as measured, else as its latest run trained."""
    return {**_of_runs(len(run_folders())), **_measured()}


def failed(name: str) -> bool:
    """Whether measuring a model was tried in vain."""
    return name in _failed


def measure_all(names: Sequence[str], tell: Callable[[str, float | None], None]) -> int:
    """Measure models one after the other; one that cannot be built here keeps no other from it.

    Args:
        names: The models.
        tell: Called with what is measured now and how far it is.

    Returns:
        How many were measured.
    """
    for number, name in enumerate(names):
        tell(f"Measuring {name}, {number + 1} of {len(names)}", number / len(names))
        try:
            measure(name)
        except Exception as error:
            logger.info("%s was not measured: %s", name, error)
            _failed.add(name)
    return sum(not failed(name) for name in names)


def measure(name: str) -> float:
    """Time forward passes of a model with random weights for about a second.

    Returns:
        Images a second.

    Raises:
        LeptonError: No such model, or it cannot be built.
    """
    import torch

    from lepton_lab.catalog import build, find
    from lepton_lab.training.plan import pick_device

    if find(name).task != "image-classification":
        raise LeptonError(f"{name} is not measured.", "Speed is told in images a second.")
    device = torch.device(pick_device("auto"))
    built = build(ModelSpec(name, weights="none"))
    module = built.module.to(device).eval()
    channels, height, width = built.entry.input_size
    images = torch.zeros(BATCH, channels, height, width, device=device)
    with torch.inference_mode():
        module(images)
        _settle(device)
        started, done = time.perf_counter(), 0
        while done == 0 or time.perf_counter() - started < SECONDS:
            module(images)
            _settle(device)
            done += BATCH
    speed = done / (time.perf_counter() - started)
    everywhere = dict(_kept())
    everywhere[_computer()] = {**_measured(), name: round(speed, 2)}
    durable.write_json(runs_root() / FILE, everywhere)
    return speed


def trained(name: str) -> float | None:
    """Images a second that the latest finished run of a model was trained with here, or None."""
    return _of_runs(len(run_folders())).get(name)


@lru_cache(maxsize=1)
def _of_runs(count: int) -> dict[str, float]:
    """Model -> images a second of its latest run; read again when there are more runs."""
    found: dict[str, float] = {}
    for folder in run_folders()[:200]:
        with contextlib.suppress(LeptonError, KeyError, TypeError):
            record = folder.record
            if record["state"] == "done" and record["seconds"] > 0:
                images = record["step"] * record["plan"]["batch_size"]
                found.setdefault(record["model"]["name"], images / record["seconds"])
    return found


def _measured() -> dict[str, float]:
    """Model -> images a second, as it was measured on this computer."""
    found = _kept().get(_computer())
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: speed for name, speed in pairs if isinstance(speed, float)}


def _kept() -> dict[str, Any]:
    """What was measured on all computers that share these runs; nothing when the file is damaged."""
    path = runs_root() / FILE
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError:
        return {}


@lru_cache(maxsize=1)
def _read(path: Path, changed: int) -> dict[str, Any]:
    with contextlib.suppress(StorageError):
        found = durable.read_json(path)
        return found if isinstance(found, dict) else {}
    return {}


def _computer() -> str:
    return f"{platform.node()}, {platform.machine()}"


def _settle(device: object) -> None:
    """Wait for what a GPU was given."""
    import torch

    if str(device).startswith("cuda"):
        torch.cuda.synchronize()
