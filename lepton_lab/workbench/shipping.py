# SPDX-License-Identifier: BSD-3-Clause
"""`export`: a model or a run as an artifact that was proven right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError
from lepton_lab.workbench.given import model_and_run
from lepton_lab.workbench.held_out import chosen_split
from lepton_lab.workbench.standing import latest

if TYPE_CHECKING:
    from lepton_lab.exporting import Artifact
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.model import LeptonModel


def export(
    model: Any = None,
    format: str = "onnx",
    *,
    to: str | Path | None = None,
    data: Any = None,
    baseline: bool = False,
    cost: Any = None,
) -> Artifact:
    """Write a deployable artifact; refused, with the figures, when it does not compute what the model computes.

    Args:
        model: A model, a run or a name; the latest run when left out. An untrained model may be exported: it says so.
        format: A registered format ("onnx", "torch", "executorch", "safetensors"), several with commas, or
            "all": each that can be written for this model and passes.
        to: Folder to write, by custom ending in `.lepton`; inside the run's folder when left out.
        data: Samples for the gate, when the run's own data is not at hand.
        baseline: Export the model that was fitted beside the run's own (boosted trees for tables) instead.
        cost: As in `evaluate`: the threshold that costs least on val decides the artifact's labels.

    Raises:
        ParityError: Out of tolerance. Nothing was written.
        StorageError: The disk is full or the folder is read-only. Nothing was half-written.
    """
    from lepton_lab import exporting
    from lepton_lab.workbench.subject import make_subject

    model, run = model_and_run(model)
    source = data if data is not None else (run.data if run is not None else None)
    chosen = chosen_split(source, None, run)[0] if source is not None else None
    target = Path(to) if to is not None else _default_target(model, run, baseline)
    if baseline:
        model, run = beside(run), None
    if run is not None and model.built.config.get("source") == "graph":
        from lepton_lab.workbench.descendants import exported

        latest.artifact = exported(run, format, target)
        return latest.artifact
    learned = source if data is None else None
    subject = make_subject(model, run, chosen, learned)
    if cost is not None:
        from lepton_lab.workbench.deciding import decide, deciding, val_of

        decision = decide(model.built, model.task, val_of(source, run), cost)
        subject = replace(subject, built=deciding(model.built, decision))
    artifact = exporting.export(subject, format, to=target)
    latest.artifact = artifact
    return artifact


def beside(run: Run | None) -> LeptonModel:
    """The model that was fitted beside a run's own.

    Raises:
        LeptonError: There is none.
    """
    from lepton_lab.workbench import assets
    from lepton_lab.workbench.loading import load_model

    folder = None if run is None else run.path / assets.FOLDER / "baseline"
    if folder is None or not folder.is_dir():
        raise LeptonError(
            "There is no baseline to export.",
            "Boosted trees are fitted beside the models of tables.",
            "%lepton export",
        )
    found = load_model(folder)
    found.title = f"{run.name}-baseline" if run is not None else ""
    return found


def _default_target(model: LeptonModel, run: Run | None, baseline: bool) -> Path:
    stem = model.name.replace("/", "-").replace(":", "-") + ("-baseline" if baseline else "")
    return run.path / "artifacts" / f"{stem}.lepton" if run is not None else Path(f"{stem}.lepton")
