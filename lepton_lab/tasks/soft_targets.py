# SPDX-License-Identifier: BSD-3-Clause
"""A task whose loss also follows a teacher: what the teacher says of each training sample is fixed beforehand.

Distillation as in arXiv 1503.02531: the cross-entropy against the teacher's probabilities at a temperature is
mixed with the task's own loss. The teacher's logits lie among the files of the model that is trained, by the name
of the sample; so a run that goes on, is repeated or trains in another process follows the same teacher.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.errors import LeptonError

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.tasks.contract import Task

# Files below this folder are for the training alone.
TRAINING = "training/"
FILE = TRAINING + "teacher.safetensors"


def taught(task: Task, built: BuiltModel) -> Task:
    """The task, with the teacher that the model's files hold; the task itself where there is none."""
    return Taught(task, built.files[FILE]) if FILE in built.files else task  # type: ignore[return-value]


def without(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that a model needs when it is not trained."""
    return {name: data for name, data in files.items() if not name.startswith(TRAINING)}


def packed(
    ids: list[str], logits: np.ndarray, temperature: float, weight: float
) -> bytes:
    """What a teacher says, as a file.

    Args:
        ids: Names of the samples.
        logits: float (N, classes).
        temperature: By which logits are divided.
        weight: Share of the teacher in the loss, 0 to 1.
    """
    import json

    from safetensors.numpy import save

    about = {"ids": json.dumps(ids), "temperature": str(temperature), "weight": str(weight)}
    return bytes(save({"logits": np.asarray(logits, np.float32)}, about))


class Taught:
    """A task and its teacher; everything but the loss is the task's own."""

    def __init__(self, task: Task, data: bytes) -> None:
        import json

        from safetensors.numpy import load

        self.task = task
        about = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
        self.logits = load(data)["logits"]
        self.index = {name: i for i, name in enumerate(json.loads(about["ids"]))}
        self.temperature, self.weight = float(about["temperature"]), float(about["weight"])

    def __getattr__(self, name: str) -> Any:
        if name == "task":
            raise AttributeError(name)
        return getattr(self.task, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """The training changes the spec of a task while it runs."""
        if name == "spec":
            self.task.spec = value
        else:
            super().__setattr__(name, value)

    def loss(self, module: torch.nn.Module, batch: Any, device: torch.device) -> torch.Tensor:
        """The task's loss and the teacher's, mixed."""
        import torch

        heard: list[torch.Tensor] = []
        hook = module.register_forward_hook(lambda _, given, logits: heard.append(logits))
        try:
            own = self.task.loss(module, batch, device)
        finally:
            hook.remove()
        said = torch.from_numpy(self.logits[self._rows(batch.ids)]).to(device)
        return (1.0 - self.weight) * own + self.weight * soft_loss(
            heard[-1].float(), said, self.temperature
        )

    def _rows(self, ids: Any) -> list[int]:
        unknown = next((name for name in ids if name not in self.index), None)
        if unknown is not None:
            raise LeptonError(
                f"The teacher has said nothing of the sample '{str(unknown)[:60]}'.",
                "Its answers were kept for the training samples of the run that began with it.",
                "lab.compress(run, distill_to=MODEL)",
            )
        return [self.index[name] for name in ids]


def soft_loss(logits: torch.Tensor, said: torch.Tensor, temperature: float) -> torch.Tensor:
    """Divergence from the teacher at a temperature, a scalar; times its square, as gradients shrink with that.

    Args:
        logits: float (N, classes) of the student.
        said: float (N, classes) of the teacher.
        temperature: Above 0.
    """
    import torch.nn.functional as F

    found = F.log_softmax(logits / temperature, dim=1)
    wanted = F.log_softmax(said / temperature, dim=1)
    divergence = F.kl_div(found, wanted, reduction="batchmean", log_target=True)
    return divergence * temperature * temperature
