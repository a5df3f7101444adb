# SPDX-License-Identifier: BSD-3-Clause
"""The verbs as functions: data, train, evaluate, predict, export. Magics and methods call these."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.durations import seconds
from lepton_lab.errors import LeptonError
from lepton_lab.journal import runs_root
from lepton_lab.rendering import learning_rate as shown_rate
from lepton_lab.spec import RunSpec, TrainSpec, parse
from lepton_lab.workbench.heads import with_head
from lepton_lab.workbench.held_out import chosen_split
from lepton_lab.workbench.standing import latest

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset
    from lepton_lab.evaluation import Evaluation, Report
    from lepton_lab.exporting import Artifact
    from lepton_lab.training import Plan
    from lepton_lab.training.rate_finder import RateFinding
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.model import LeptonModel
    from lepton_lab.workbench.session import Work


def data(source: Any, **options: Any) -> Dataset:
    """A data set from a folder, a table, arrays, a `datasets` object, a hub name or a builtin sample.

    Args:
        source: Path, name or object.
        **options: Fields of `DataSpec`: val, test, label, image, exclude, clean, dedupe, seed.

    Raises:
        DataError: What is wrong with it, in three lines.

    >>> data("digits").classes[:3]
    ('0', '1', '2')
    """
    from lepton_lab.workbench.resolve import resolve_data

    return resolve_data(source, None, **options)


def train(
    model: Any,
    data: Any = None,
    *,
    background: bool = False,
    now: bool = False,
    isolate: bool = False,
    view: str = "auto",
    folds: int = 0,
    **options: Any,
) -> Run:
    """Train a model on data; blocks under the live card and returns the run.

    Args:
        model: A `LeptonModel`, or anything that `lab.load_model` takes.
        data: A `Dataset`, or anything that `lab.data` takes; the latest one when left out.
        background: Return at once; the run trains on.
        now: Train beside a run that is under way on the same device, instead of after it.
        isolate: Train in a process of its own: a crash there never takes the kernel. The result is the same.
        view: Name of the live view; chosen by where it runs when "auto".
        folds: Train once per fold instead and return a `CrossValidation`: see `lab.cross_validate`.
        **options: Fields of `TrainSpec`.

    Raises:
        LeptonError: What is wrong with model, data or options, before anything is trained.
    """
    if folds:
        from lepton_lab.workbench.folding import cross_validate

        if background or now:
            raise LeptonError(
                "Folds are trained one after the other, in the foreground.",
                "background and now are for one run.",
                "lab.train(model, data, folds=5)",
            )
        return cross_validate(model, data, folds, isolate=isolate, **options)  # type: ignore[return-value]
    from lepton_lab.training.safe_batch import key_of, recalled
    from lepton_lab.workbench.budgeting import within_budget
    from lepton_lab.workbench.starting import afresh

    began = time.monotonic()
    spec = parse(TrainSpec, options, where="train")
    model, data = _model(model), _data(data)
    built, parent = with_head(model, data, spec)
    plan = _plan(built, data, spec, model.task)
    model_spec = model.spec
    if seconds(spec.budget):
        most = spec.epochs if "epochs" in options else None
        built, model_spec, plan = within_budget(model, built, data, spec, plan, began, most)
    plan = recalled(plan, key_of(built, plan, spec.freeze), runs_root())
    run_spec = RunSpec(model_spec, data.spec, spec, model.task)
    work = afresh(model, built, data, run_spec, plan, parent=parent)
    work.now = now
    return _begin(work, background, isolate, view)


def find_learning_rate(model: Any, data: Any = None, **options: Any) -> RateFinding:
    """The learning-rate range test (arXiv 1506.01186). Model, statistics and generators stay as they are.

    Args:
        model: As in `train`.
        data: As in `train`.
        **options: Fields of `TrainSpec`.
    """
    from lepton_lab.training.rate_finder import find

    spec = parse(TrainSpec, options, where="train")
    model, data = _model(model), _data(data)
    built, _ = with_head(model, data, spec)
    return find(built, data, spec, _decided(built, data, spec), model.task)


def evaluate(
    model: Any = None, data: Any = None, split: str | None = None, *, cost: Any = None
) -> Evaluation | Report:
    """Metrics with 95 % intervals on held-out samples.

    Args:
        model: A model, a run or a name; the latest run when left out.
        data: A `Dataset`, one of its splits, or anything that `lab.data` takes; the run's own when left out.
        split: "train", "val" or "test"; the test split when there is one, else val.
        cost: Of a table's two classes: what a missed yes and a false alarm cost, {"miss": 5, "alarm": 1}
            (and "yes": its class). The threshold that costs least on val is told with its cost here.

    Raises:
        LeptonError: The data's classes are not the model's.
    """
    from lepton_lab.workbench.reporting import report_on

    model, run = _model_and_run(model)
    source = data if data is not None else (run.data if run is not None else None)
    chosen, notes = chosen_split(source, split, run)
    report = report_on(model.built, model.task, chosen, notes)
    if cost is not None:
        from lepton_lab.workbench.deciding import decide, val_of

        decision = decide(model.built, model.task, val_of(source, run), cost)
        told: Any = report
        told.notes[:0] = decision.notes(told)
    return report


def predict(model: Any, inputs: Any, *, top: int = 5) -> Any:
    """Answers for inputs: labels with probabilities, spans, boxes, a mask, a number.

    Args:
        model: A model, a run or a name.
        inputs: What the model's task takes, one or a list of it, or a data set. For images: a path, glob or
            folder, bytes, a PIL image, a uint8 array, or a float tensor (N, C, H, W) that is already
            preprocessed. For text: a string. For a table's row: a dict.
        top: Classes to show for each.

    Returns:
        One answer for one input (for images a `Prediction`), a sequence of them for several.

    Raises:
        DataError: An input cannot be read.
    """
    from lepton_lab.workbench.predicting import predict_with

    model, _ = _model_and_run(model)
    return predict_with(model.module, inputs, about=model.built, task=model.task, top=top)


def resume(
    run: Any = None,
    *,
    background: bool = False,
    now: bool = False,
    isolate: bool = False,
    view: str = "auto",
) -> Run:
    """Go on with a run that was stopped, failed or lost its process, exactly as if it had never stopped.

    Args:
        run: A run or its name; the latest when left out.
        background: Return at once.
        now: Train beside a run that is under way on the same device.
        isolate: Train in a process of its own.
        view: Name of the live view.

    Raises:
        LeptonError: It is under way or done, its data changed, or no whole checkpoint is left.
    """
    from lepton_lab.workbench.starting import resumed

    work = resumed(_run(run))
    work.now = now
    return _begin(work, background, isolate, view)


def branch(
    run: Any,
    step: int | None = None,
    *,
    background: bool = False,
    isolate: bool = False,
    view: str = "auto",
    **changes: Any,
) -> Run:
    """A child of a run from one of its kept checkpoints.

    Args:
        run: The parent or its name.
        step: A step that has a checkpoint; the newest when left out.
        background: Return at once.
        isolate: Train in a process of its own.
        view: Name of the live view.
        **changes: Fields of `TrainSpec`.
    """
    from lepton_lab.workbench.starting import branched

    return _begin(branched(_run(run), step, **changes), background, isolate, view)


def reproduce(
    run: Any = None,
    *,
    name: str = "",
    background: bool = False,
    isolate: bool = False,
    view: str = "auto",
) -> Run:
    """Train a run again from its first step, with its control actions at their steps, to the same weights.

    Args:
        run: A run or its name; the latest when left out.
        name: Name of the new run.
        background: Return at once.
        isolate: Train in a process of its own.
        view: Name of the live view.
    """
    from lepton_lab.workbench.starting import repeated

    return _begin(repeated(_run(run), name=name), background, isolate, view)


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

    model, run = _model_and_run(model)
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


def _begin(work: Work, background: bool, isolate: bool, view: str) -> Run:
    """Start a session, here or in a process of its own, and remember what it works on as the latest."""
    from lepton_lab.workbench.isolated import IsolatedSession
    from lepton_lab.workbench.listing import remember
    from lepton_lab.workbench.session import Session

    session = (IsolatedSession if isolate else Session)(work, view)
    remember(session.run)
    latest.model, latest.data = work.model, work.data
    latest.run, latest.artifact = session.run, None
    return session.start(background=background)


def _run(value: Any) -> Run:
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.resolve import resolve_run

    return value if isinstance(value, Run) else resolve_run(None if value is None else str(value))


def _model(value: Any) -> LeptonModel:
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.model import LeptonModel
    from lepton_lab.workbench.resolve import resolve_model

    if isinstance(value, LeptonModel):
        return value
    return (
        value.model
        if isinstance(value, Run)
        else resolve_model(None if value is None else str(value))
    )


def _model_and_run(value: Any) -> tuple[LeptonModel, Run | None]:
    model = _model(value)
    if model._run is not None:
        model._run.wait()
    return model, model._run


def _data(value: Any) -> Dataset:
    from lepton_lab.workbench.resolve import resolve_data

    return resolve_data(value)


def _decided(built: BuiltModel, data: Dataset, spec: TrainSpec) -> Plan:
    from lepton_lab.tasks import usual_smoothing
    from lepton_lab.training.plan import decide

    return decide(
        spec,
        count=len(data.train),
        pretrained=built.pretrained,
        batch_norm=any("BatchNorm" in type(m).__name__ for m in built.module.modules()),
        default_batch=data.batch_size,
        recipe=built.recipe,
        smoothing=usual_smoothing(data.task, built),
    )


def _plan(built: BuiltModel, data: Dataset, spec: TrainSpec, task: str) -> Plan:
    plan = _decided(built, data, spec)
    if spec.learning_rate != "find":
        return plan
    from lepton_lab.training.rate_finder import find

    found = find(built, data, spec, plan, task).suggestion
    why = f"range test over {shown_rate(1e-6)} to 1"
    return replace(plan, learning_rate=found, reasons={**plan.reasons, "learning_rate": why})


def _default_target(model: LeptonModel, run: Run | None, baseline: bool) -> Path:
    stem = model.name.replace("/", "-").replace(":", "-") + ("-baseline" if baseline else "")
    return run.path / "artifacts" / f"{stem}.lepton" if run is not None else Path(f"{stem}.lepton")
