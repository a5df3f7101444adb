# SPDX-License-Identifier: BSD-3-Clause
"""The micro-batch that fitted when a memory was full, remembered for the next training.

One small file beside the runs, by model, image size, precision, frozen layers and device. A run looks into it once, when
it is planned, and keeps what it found in its own plan: resuming or repeating it never asks again. The file is
advice and not a record: a damaged one counts as empty, and of two kernels that write at once the last one wins.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab import durable
from lepton_lab.errors import StorageError
from lepton_lab.events import Alert, Bus, Controlled, Event, StepDone
from lepton_lab.training.plan import Plan

if TYPE_CHECKING:
    from lepton_lab.tasks.contract import BuiltModel

FILE = "safe-batch.json"


class Remember:
    """Watches a run and writes down the micro-batch with which a step succeeded after the memory was full.

    Args:
        root: The folder of all runs.
        key: What `key_of` says of the run.
    """

    def __init__(self, root: Path, key: str) -> None:
        self.file, self.key = root / FILE, key
        self._samples = 0

    def __call__(self, event: Event) -> None:
        """See one event; a disk that refuses costs the advice and nothing else."""
        if isinstance(event, Controlled) and event.action == "micro_batch":
            self._samples = int(event.values["samples"])
        elif isinstance(event, StepDone) and self._samples:
            with contextlib.suppress(StorageError, OSError):
                durable.write_json(self.file, {**_read(self.file), self.key: self._samples})
            self._samples = 0


def key_of(built: BuiltModel, plan: Plan, freeze: int | str) -> str:
    """Everything that decides how many samples fit, in words."""
    step = built.preprocessing.get("crop") or built.preprocessing.get("resize") or {}
    side = " x ".join(str(pixels) for pixels in step.get("size", ()))
    name = built.entry.name
    return f"{name}, {side} px, {plan.precision}, frozen {freeze}, {_device(plan.device)}"


def recalled(plan: Plan, key: str, root: Path) -> Plan:
    """The plan, with the micro-batch that once fitted where that is fewer samples than the batch."""
    samples = _read(root / FILE).get(key, 0)
    if not 0 < samples < plan.batch_size:
        return plan
    why = (
        f"the memory of {plan.device} was once full with more; "
        f"delete {root.name}/{FILE} to forget it"
    )
    return replace(plan, micro_batch=samples, reasons={**plan.reasons, "micro_batch": why})


def tell(plan: Plan, bus: Bus) -> None:
    """Say on the card what was recalled."""
    if plan.micro_batch:
        why = plan.reasons.get("micro_batch", "")
        message = f"Starting with {plan.micro_batch} samples at once (same effective batch of {plan.batch_size}): {why}."
        bus.emit(Alert(0, "info", message))


def _read(file: Path) -> dict[str, int]:
    """What is remembered; nothing when the file is missing or damaged."""
    try:
        found: Any = durable.read_json(file)
    except StorageError:
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {key: n for key, n in pairs if isinstance(n, int) and not isinstance(n, bool) and n > 0}


def _device(name: str) -> str:
    """A device by its kind, so that another one in its place is not taken for it."""
    if not name.startswith("cuda"):
        return name
    import torch

    about = torch.cuda.get_device_properties(name)
    return f"{about.name} with {about.total_memory / 1e9:.0f} GB"
