# SPDX-License-Identifier: BSD-3-Clause
"""The seam between a kind of sample and everything that handles samples without knowing their kind.

Samples flow: a split's sample -> `training_item` or `evaluation_item` (on the CPU, perhaps in a loader
worker, under that sample's own seed) -> `collate` -> a `Batch` -> `loss` or `outputs` on the device ->
`score`. A batch can be cut into micro-batches, so that accumulation and recovery from a full memory
never need to know what is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch

    from lepton_lab.catalog import BuiltModel as BuiltModel
    from lepton_lab.datasets import Dataset, Split
    from lepton_lab.spec import ModelSpec, TrainSpec


@dataclass(frozen=True)
class Figures:
    """What is measured on a split, ready for a report.

    A task whose samples have one class each gives `probabilities` and leaves the rest empty: the report on
    classes works out everything from them.

    Attributes:
        values: Metric -> number, the headline metric first.
        intervals: Metric -> its 95 % interval, where there is one.
        per_class: Column -> one value per class, "class" first; empty where there are no classes.
        worst: The samples that went worst, worst first, as columns of a table.
        notes: What a reader has to know to judge the numbers.
        probabilities: float (N, classes) where each sample has one class.
        beside: Name -> probabilities (N, classes) of another model on the same samples, shown in the same table.
        scores: One number per sample, higher is better, by which two models are compared in pairs.
        score_name: What that number is.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    per_class: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    worst: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    probabilities: np.ndarray | None = None
    beside: Mapping[str, np.ndarray] = field(default_factory=dict)
    scores: np.ndarray | None = None
    score_name: str = ""


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

    def outputs(self, module: torch.nn.Module, batch: Any, device: torch.device) -> Any:
        """What the metrics need for each sample: an array (N, ...), or a list where samples differ in shape."""
        ...

    def gather(self, parts: Sequence[Any]) -> Any:
        """The outputs of several batches as one."""
        ...

    def order(self, split: Split, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
        """The order of an epoch's samples, int64 (N,): a pure function of its arguments and the split."""
        ...

    def targets(self, split: Split) -> Any:
        """The truth in the order of the split."""
        ...

    def describe(self, outputs: Any, split: Split, index: int) -> dict[str, Any]:
        """Sample `index` in words: `expected`, `predicted`, and the `probability` of what is predicted.

        The probability is None for a number, which is neither right nor wrong.
        """
        ...

    def score(self, outputs: Any, targets: Any) -> Mapping[str, float]:
        """The metrics that are followed during training, the headline metric first."""
        ...

    def figures(self, outputs: Any, targets: Any, split: Split) -> Figures:
        """Everything that a report on these outputs says."""
        ...


@dataclass(frozen=True)
class TaskRecord:
    """A task as the registry keeps it.

    Attributes:
        name: As written in specs and on the command line.
        description: One line.
        content: What a sample is ("image"); see `lepton_lab.datasets.contents`.
        labels: What its label is ("class"); see `lepton_lab.datasets.labels`.
        create: Makes the task for a model and a training spec; `flip` says whether a mirrored sample
            keeps its label.
        build: Makes the model that a spec names, with a head for the data's classes and a seed for it; without
            data, the model as it was trained. Raises LeptonError when that model cannot do this task.
        also: Further kinds of label that it takes.
    """

    name: str
    description: str
    content: str
    labels: str
    create: Callable[[BuiltModel, TrainSpec, bool], Task]
    build: Callable[[ModelSpec, Dataset | None, int], BuiltModel]
    also: tuple[str, ...] = ()
