# SPDX-License-Identifier: BSD-3-Clause
"""How fast models are on this computer: measured on demand, and read off the runs that there are."""

from __future__ import annotations

import contextlib
import time
from functools import lru_cache

from lepton_lab.errors import LeptonError
from lepton_lab.journal import run_folders
from lepton_lab.spec import ModelSpec

BATCH = 8
SECONDS = 1.0
_measured: dict[str, float] = {}


def known(name: str) -> float | None:
    """Images a second that a model answers here (forward pass, batches of 8); None if not measured."""
    return _measured.get(name)


def here() -> dict[str, float]:
    """Model -> images a second on this computer: as measured, else as its latest run trained."""
    return {**_of_runs(len(run_folders())), **_measured}


def measure(name: str) -> float:
    """Time forward passes of a model with random weights for about a second.

    Returns:
        Images a second.

    Raises:
        LeptonError: No such model, or it cannot be built.
    """
    import torch

    from lepton_lab.catalog import build
    from lepton_lab.training.plan import pick_device

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
    _measured[name] = done / (time.perf_counter() - started)
    return _measured[name]


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


def _settle(device: object) -> None:
    """Wait for what a GPU was given."""
    import torch

    if str(device).startswith("cuda"):
        torch.cuda.synchronize()
