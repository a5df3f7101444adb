# SPDX-License-Identifier: BSD-3-Clause
"""What both tasks on rows of a table share: batches, the model made for a table, the boosted trees beside it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lepton_lab.errors import DataError, LeptonError
from lepton_lab.runtime.errors import InputError
from lepton_lab.runtime.inputs import Preparer, Row, preparer
from lepton_lab.tasks import baseline, row_plan
from lepton_lab.tasks.base import BaseTask

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset, Split
    from lepton_lab.spec import ModelSpec, TrainSpec


class Item(NamedTuple):
    """One prepared row: id, what the runtime made of it, the encoded label (None where unknown), its weight."""

    id: str
    row: Row
    label: Any
    weight: float = 1.0


@dataclass(frozen=True)
class RowBatch:
    """Prepared rows.

    Attributes:
        ids: Names of the samples.
        numbers: float32 (N, n), or None where the table has no numbers.
        categories: int64 (N, m), or None where it has no categories.
        labels: Class indexes, int64 (N,), -1 where unknown; or float64 (N,), NaN where unknown.
        weights: How much each row counts in the loss, float32 (N,).
    """

    ids: Sequence[str]
    numbers: torch.Tensor | None
    categories: torch.Tensor | None
    labels: torch.Tensor
    weights: torch.Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> RowBatch:
        """The rows `start` to `stop`."""
        part = slice(start, stop)
        return replace(
            self,
            ids=self.ids[part],
            numbers=None if self.numbers is None else self.numbers[part],
            categories=None if self.categories is None else self.categories[part],
            labels=self.labels[part],
            weights=self.weights[part],
        )


class RowTask(BaseTask):
    """A task on rows; every split is prepared once and kept."""

    unknown: float = -1
    dtype: Any = np.int64

    def __init__(self, built: BuiltModel, spec: TrainSpec, flip: bool) -> None:
        super().__init__(built, spec, flip)
        self._prepared: dict[int, tuple[Split, list[Row]]] = {}

    def training_item(self, split: Split, index: int) -> Item:
        """The row as it is, for rows are not augmented, with its weight."""
        item = self.evaluation_item(split, index)
        return item._replace(weight=self.weight(split, item.label))

    def weight(self, split: Split, label: Any) -> float:
        """How much a training row with this label counts."""
        return 1.0

    def evaluation_item(self, split: Split, index: int) -> Item:
        """The row as the artifact will see it."""
        if id(split) not in self._prepared:
            self._prepared[id(split)] = split, prepared(self.preparer, split)
        return Item(split[index].id, self._prepared[id(split)][1][index], split[index].label)

    def collate(self, items: Sequence[Item]) -> RowBatch:
        """Stack rows and labels."""
        import torch

        batch = self.preparer.collate([item.row for item in items])
        labels = [self.unknown if item.label is None else item.label for item in items]
        return RowBatch(
            [item.id for item in items],
            _tensor(batch, "numbers"),
            _tensor(batch, "categories"),
            torch.from_numpy(np.array(labels, self.dtype)),
            torch.tensor([item.weight for item in items], dtype=torch.float32),
        )

    def raw(self, module: torch.nn.Module, batch: RowBatch, device: torch.device) -> torch.Tensor:
        """What the network gives for a batch, float32 (N, outputs)."""
        parts = (None if x is None else x.to(device) for x in (batch.numbers, batch.categories))
        found: torch.Tensor = module(*parts).float()
        return found

    def beside(self, split: Split) -> Any:
        """What the boosted trees answer to a split, as `outputs` would give it; None where there are none."""
        import torch

        trees = baseline.of(self.files)
        if trees is None:
            return None
        items = [self.evaluation_item(split, i) for i in range(len(split))]
        with torch.inference_mode():
            return self.outputs(trees.module, self.collate(items), torch.device("cpu"))

    @abstractmethod
    def outputs(self, module: torch.nn.Module, batch: Any, device: torch.device) -> Any:
        """See `contract.Task`."""


def prepared(ready: Preparer, split: Split) -> list[Row]:
    """Every row of a split as the model takes it.

    Raises:
        DataError: Names the row and the column that do not fit the model.
    """
    rows = []
    for index, sample in enumerate(split):
        try:
            rows.append(ready.prepare(split.read(index)))
        except InputError as error:
            raise DataError(
                f'The row "{sample.id}" of {split.name} does not fit the model.',
                f"{error.reason[:1].upper()}{error.reason[1:]}.",
                "Give the columns that the model was trained with, or train a new model.",
            ) from error
    return rows


def build(spec: ModelSpec, data: Dataset | None, seed: int, *, task: str) -> BuiltModel:
    """A model made for the columns of a table, with boosted trees beside it; see `contract.TaskRecord`.

    Args:
        spec: Names the network.
        data: The table. Without it: the model of a folder, or one that waits for its table.
        seed: Of the weights, and of the trees.
        task: "tabular-classification" or "tabular-regression".

    Raises:
        LeptonError: The named model does not learn from rows, or the rows do not fit together.
    """
    from lepton_lab.catalog import find
    from lepton_lab.catalog.tabular_models import awaiting, create, load

    entry = find(spec.name)
    if data is None:
        return load(entry) if entry.location else awaiting(entry)
    if data.content != "row":
        raise LeptonError(
            f'"{data.name}" holds no rows of a table.',
            f"It is for {data.task}.",
            "lab.data('customers.csv', task='tabular-classification')",
        )
    rows = [data.train.read(i) for i in range(len(data.train))]
    columns = row_plan.learn(rows)
    built = create(entry, columns, data.classes, seed)
    targets = np.asarray(data.train.targets)
    built.preprocessing = {
        "kind": "row",
        "columns": columns,
        "target": dict(data.columns).get("label", ""),
    }
    if not data.classes:
        built.preprocessing["number"] = standard(targets)
    built.config["task"] = task
    ready = preparer(built.preprocessing)
    tables = {split.name: prepared(ready, split) for split in data.splits()}
    built.files = baseline.grow(built, ready.collate(tables["train"]), targets, seed)
    return built


def standard(targets: np.ndarray) -> dict[str, float]:
    """Mean and standard deviation of the known targets; a network learns the standardised number."""
    known = targets[~np.isnan(targets)]
    return {"mean": float(known.mean()), "std": float(known.std()) or 1.0}


def _tensor(batch: Mapping[str, np.ndarray], name: str) -> Any:
    import torch

    return torch.from_numpy(batch[name]) if name in batch else None
