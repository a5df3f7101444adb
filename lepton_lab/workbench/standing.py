# SPDX-License-Identifier: BSD-3-Clause
"""Where one stands: the device, the latest model, data and run, and the next sensible line.

The latest things are remembered per process, so that `%lepton evaluate` needs no argument.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lepton_lab.journal import run_folders
from lepton_lab.randomness import loaded_torch
from lepton_lab.rendering import Card

if TYPE_CHECKING:
    from lepton_lab.datasets import Dataset
    from lepton_lab.exporting import Artifact
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.model import LeptonModel


@dataclass
class Latest:
    """The things last used in this process."""

    model: LeptonModel | None = None
    data: Dataset | None = None
    run: Run | None = None
    artifact: Artifact | None = None


latest = Latest()


@dataclass(frozen=True)
class Bench:
    """What `%lepton` alone shows."""

    device: str
    model: str
    data: str
    run: str
    next_step: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        facts = {"device": self.device, "model": self.model, "data": self.data, "run": self.run}
        return Card("Lepton Lab", facts, next_steps=[self.next_step])._repr_mimebundle_()


def bench() -> Bench:
    """The device, the latest model, data and run, and what to type next. Imports no framework."""
    run, folders = latest.run, run_folders()
    if run is None and folders:
        from lepton_lab.workbench.handle import Run

        run = Run(folders[0])
    return Bench(
        device=_device(),
        model=latest.model.name if latest.model else "none yet",
        data=latest.data.name if latest.data else "none yet",
        run=f"{run.name} ({run.state})" if run else "none yet",
        next_step=_next(run),
    )


def _device() -> str:
    import psutil

    free = psutil.virtual_memory().available / 1e9
    text = f"CPU, {os.cpu_count()} cores, {free:.1f} GB free"
    torch = loaded_torch()
    if torch is not None and torch.cuda.is_available():
        return f"{torch.cuda.get_device_name(0)}; {text}"
    return text


def _next(run: Run | None) -> str:
    if run is None:
        if latest.data is None:
            return "%lepton data digits"
        return f"%lepton train {latest.model.name if latest.model else 'lepton_glyphs'}"
    state = run.state
    if state in ("starting", "running", "paused"):
        return f"%lepton runs {run.name}"
    if state in ("failed", "crashed"):
        return "%lepton doctor --last" if run is latest.run else f"%lepton runs {run.name}"
    return (
        "%lepton export --format=onnx"
        if latest.artifact is None
        else f"%lepton predict {run.name} IMAGE"
    )
