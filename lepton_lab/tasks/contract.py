# SPDX-License-Identifier: BSD-3-Clause
"""The seam between a kind of sample and everything that handles samples without knowing their kind.

Samples flow: a split's sample -> `training_item` or `evaluation_item` (on the CPU, perhaps in a loader
worker, under that sample's own seed) -> `collate` -> a `Batch` -> `loss` or `outputs` on the device ->
`score`. A batch can be cut into micro-batches, so that accumulation and recovery from a full memory
never need to know what is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch

    from lepton_lab.catalog import BuiltModel as BuiltModel
    from lepton_lab.datasets import Split
    from lepton_lab.spec import TrainSpec


class Batch(Protocol):
    """Collated samples on the CPU."""

    ids: Sequence[str]

    def __len__(self) -> int: ...

    def cut(self, start: int, stop: int) -> Batch:
        """The micro-batch of samples `start` to `stop`; what was mixed stays mixed."""
        ...


class Task(Protocol):
    """What one task does with samples, for one model and one training. Its batches are its own kind of `Batch`.

    Attributes:
        metric: The headline metric that chooses the best epoch; `score` returns it first.
        higher_is_better: Its direction.
        guess: The training loss of a model that knows nothing of the samples; 0 where there is no such thing.
        spec: The training spec; values that may change while a run trains are read from it at each use.
    """

    spec: TrainSpec
    metric: str
    higher_is_better: bool
    guess: float

    def training_item(self, split: Split, index: int) -> Any:
        """Sample `index`, augmented; every random choice comes from the generators seeded for it."""
        ...

    def evaluation_item(self, split: Split, index: int) -> Any:
        """Sample `index` exactly as the exported artifact will see it."""
        ...

    def collate(self, items: Any) -> Any:
        """Items of one batch as tensors."""
        ...

    def mix(self, batch: Any, seed: int) -> Any:
        """Apply what mixes samples of a batch (mixup, cutmix), decided by `seed` alone."""
        ...

    def loss(self, module: torch.nn.Module, batch: Any, device: torch.device) -> torch.Tensor:
        """The mean training loss over the batch, a scalar tensor."""
        ...

    def outputs(self, module: torch.nn.Module, batch: Any, device: torch.device) -> np.ndarray:
        """What the metrics need for each sample, float32 of shape (N, ...)."""
        ...

    def targets(self, split: Split) -> np.ndarray:
        """The truth in the order of the split."""
        ...

    def describe(self, outputs: np.ndarray, split: Split, index: int) -> dict[str, Any]:
        """Sample `index` in words: `expected`, `predicted`, and the `probability` of what is predicted."""
        ...

    def score(self, outputs: np.ndarray, targets: np.ndarray) -> Mapping[str, float]:
        """The metrics that are followed during training, the headline metric first."""
        ...


@dataclass(frozen=True)
class TaskRecord:
    """A task as the registry keeps it.

    Attributes:
        name: As written in specs and on the command line.
        description: One line.
        kind: The kind of data set that it takes ("image").
        create: Makes the task for a model and a training spec; `flip` says whether a mirrored sample
            keeps its label.
    """

    name: str
    description: str
    kind: str
    create: Callable[[BuiltModel, TrainSpec, bool], Task]
