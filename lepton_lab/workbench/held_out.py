# SPDX-License-Identifier: BSD-3-Clause
"""Which samples a model is judged on, and their labels in the model's own terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.errors import LeptonError
from lepton_lab.workbench.standing import latest

if TYPE_CHECKING:
    from lepton_lab.datasets import Split
    from lepton_lab.workbench.handle import Run


def chosen_split(source: Any, name: str | None, run: Run | None) -> tuple[Split, list[str]]:
    """The split to report on, and what must be said about it."""
    if source is None:
        source = latest.data
    if hasattr(source, "samples") and hasattr(source, "read"):
        return source, []
    from lepton_lab.workbench.resolve import resolve_data

    dataset = resolve_data(source)
    chosen = (
        dataset.held_out
        if name is None
        else getattr(dataset, name, None)
        if name in ("train", "val", "test")
        else None
    )
    if chosen is None:
        there = [s.name for s in (dataset.train, dataset.val, dataset.test) if s is not None]
        raise LeptonError(
            f"'{dataset.name}' has no split '{name}'.",
            f"There is: {', '.join(there)}.",
            f"--split={there[-1]}",
        )
    notes = []
    if run is not None and chosen.name == "val":
        notes.append(
            "val also chose the best epoch, so these numbers are a little optimistic; a test split would not be."
        )
    if run is not None and chosen.name == "train":
        notes.append("The model was trained on these samples.")
    return chosen, notes


def label_in(classes: Sequence[str], split: Split) -> Callable[[Any], Any]:
    """From a label of a split to the same one in a model's terms; None where the model has no such class.

    Labels that are not one class per sample are unknown to a model whose classes stand otherwise.
    """
    if not classes or tuple(classes) == tuple(split.classes):
        return lambda label: label
    index = {name: i for i, name in enumerate(classes)}
    if split.labels.name != "class":
        return lambda label: None
    return lambda label: None if label is None else index.get(split.classes[label])


def targets_of(classes: tuple[str, ...], split: Split) -> Any:
    """The split's labels as indexes of the model's classes.

    Raises:
        LeptonError: The model does not know a class of the split, or numbers them otherwise and the labels
            are not one class per sample.
    """
    if tuple(classes) == tuple(split.classes):
        return split.targets
    index = {name: i for i, name in enumerate(classes)}
    missing = [name for name in split.classes if name not in index]
    if missing:
        raise LeptonError(
            f"The labels do not match: the model does not know {', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}.",
            f"It knows {len(classes)} classes: {', '.join(classes[:4])}{' …' if len(classes) > 4 else ''}.",
            "Train it on this data first: model.train(data)",
        )
    if split.labels.name != "class":
        raise LeptonError(
            "The data's classes stand in another order than the model's.",
            f"The model's begin with {', '.join(classes[:3])}, the data's with {', '.join(split.classes[:3])}.",
            "Train it on this data first: model.train(data)",
        )
    found = [index[split.classes[t]] if t >= 0 else -1 for t in split.targets]
    return np.array(found, dtype=np.int64)
