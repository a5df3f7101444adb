# SPDX-License-Identifier: BSD-3-Clause
"""What the export gate is given: the model, where it comes from, and real samples to prove it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.errors import LeptonError
from lepton_lab.workbench.held_out import label_in

if TYPE_CHECKING:
    from lepton_lab.datasets import Dataset, Split
    from lepton_lab.exporting.subject import ExportSample, Subject
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.model import LeptonModel

SAMPLES = 96
METRICS = ("accuracy", "f1", "balanced_accuracy", "log_loss", "ece")


def make_subject(
    model: LeptonModel, run: Run | None, split: Split | None, data: Dataset | None = None
) -> Subject:
    """The subject of an export.

    Args:
        model: Trained or not.
        run: The run that trained it, for its provenance.
        split: Held-out samples; without them the gate has only its odd ones.
        data: What the run learned from, for its audit.
    """
    from lepton_lab.exporting.subject import Subject

    return Subject(
        built=model.built,
        task=model.task,
        name=model.name,
        provenance=_provenance(model, run, split, data),
        samples=_samples(split, model.built.classes) if split is not None else [],
        trained=run is not None or model.built.pretrained,
    )


def _samples(split: Split, classes: Sequence[str]) -> list[ExportSample]:
    """Evenly chosen samples as the original bytes of their files, their labels in the model's terms."""
    from lepton_lab.exporting.subject import ExportSample

    chosen = np.unique(np.linspace(0, len(split) - 1, min(SAMPLES, len(split))).round().astype(int))
    label = label_in(classes, split)
    return [
        ExportSample(split[i].id, split.read_bytes(i), label(split[i].label))
        for i in map(int, chosen)
    ]


def _provenance(
    model: LeptonModel, run: Run | None, split: Split | None, data: Dataset | None
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "base_model": model.entry.name,
        "licence": model.entry.licence or "not stated",
        "starting_weights": model.built.weights if run is None else run.record["model"]["weights"],
    }
    if run is None:
        return facts
    record = run.record
    facts |= {
        "run": run.name,
        "data": {k: v for k, v in record["data"].items() if k != "source"},
        "recipe": _recipe(record),
        "libraries": record["environment"],
        "steps": record.get("step"),
    }
    if data is not None:
        found = data.audit()
        facts["data"]["audit"] = [f"{f.code} ({f.count}): {f.what} {f.done}".strip() for f in found]
    if split is not None:
        facts["metrics"] = _metrics(model, run, split)
    return facts


def _recipe(record: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, with what was decided in the place of every "auto"."""
    decided = {k: v for k, v in record["plan"].items() if k != "reasons"}
    asked = {k: v for k, v in record["spec"]["train"].items() if v not in ("", "auto", "find")}
    return {**asked, **decided}


def _metrics(model: LeptonModel, run: Run, split: Split) -> dict[str, Any]:
    from lepton_lab.workbench.judging import evaluate

    try:
        found = evaluate(model, split)
    except LeptonError:
        return {}
    wanted = METRICS if "accuracy" in found else [name for name in found if name != "n"]
    values = {
        name: float(found[name]) for name in wanted if name in found and np.isfinite(found[name])
    }
    intervals = {
        name: list(map(float, found.intervals[name])) for name in values if name in found.intervals
    }
    columns = found.to_dict()["per_class"]
    return {
        "split": split.name, "n": len(split), "values": values, "intervals": intervals, "per_class": columns,
    }  # fmt: skip
