# SPDX-License-Identifier: BSD-3-Clause
"""Places inside a training of this process at which a test can break something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

PLAIN: dict[str, Any] = {
    "epochs": 2, "batch_size": 8, "learning_rate": 1e-3, "augment": "strong", "checkpoint_every": 1,
}  # fmt: skip


def after_steps(patch: pytest.MonkeyPatch, work: Mapping[int, Callable[[Any], None]]) -> None:
    """Call `work[step]` with the trainer when that step is done and its checkpoint is on disk, the first time."""
    from lepton_lab.training.trainer import Trainer

    original, left = Trainer.after_step, dict(work)

    def after_step(self: Any, batch: Any, epoch: int) -> None:
        original(self, batch, epoch)
        if self.step in left:
            self.saver.wait()
            left.pop(self.step)(self)

    patch.setattr(Trainer, "after_step", after_step)


def change_loss(patch: pytest.MonkeyPatch, change: Callable[[int, Any, Any], Any]) -> None:
    """Let `change(call, batch, loss)` see every training loss; `call` counts from 0, `loss()` computes it."""
    from lepton_lab.tasks.image_classification import ImageClassification

    original, calls = ImageClassification.loss, iter(range(10**6))

    def loss(self: Any, module: Any, batch: Any, device: Any) -> Any:
        return change(next(calls), batch, lambda: original(self, module, batch, device))

    patch.setattr(ImageClassification, "loss", loss)


def weights(run: Any) -> dict[str, Any]:
    """A copy of the run's weights."""
    return {name: value.clone() for name, value in run.model.module.state_dict().items()}


def difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    """The largest between two states."""
    return max(float((a[name].double() - b[name].double()).abs().max()) for name in a)
