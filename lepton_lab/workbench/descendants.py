# SPDX-License-Identifier: BSD-3-Clause
"""Runs that begin from a model made smaller: pruned and trained again, taught by it, or rewritten as a graph.

The first two are ordinary trainings whose first checkpoint is kept under their own roof, so that they go on, are
repeated and are branched like any other. The third has nothing to train and is done at once.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError
from lepton_lab.events import Bus, Evaluated, RunEnded, RunStarted
from lepton_lab.journal import JournalWriter, runs_root
from lepton_lab.spec import ModelSpec, RunSpec, TrainSpec, from_json
from lepton_lab.workbench.launching import launch
from lepton_lab.workbench.planning import decided
from lepton_lab.workbench.starting import START, _new_folder, afresh

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset
    from lepton_lab.exporting import Artifact
    from lepton_lab.workbench.compressed import Candidate
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.model import LeptonModel
    from lepton_lab.workbench.session import Work

RECOVERY = 3


def pruned(model: LeptonModel, data: Dataset, ratio: float, epochs: int, view: str) -> Run:
    """Take channels out of a model and train what is left for a short while.

    Raises:
        LeptonError: Its network cannot be pruned, and why.
    """
    from lepton_lab.compression.prune import prune
    from lepton_lab.workbench.model import LeptonModel

    built = prune(model.built, ratio, model.task)
    asked = replace(
        _asked(model), epochs=epochs or RECOVERY, layer_decay=1.0, freeze="none",
        name=free_name(f"{model.name}-pruned-{round(ratio * 100)}"),
    )  # fmt: skip
    about = {"method": "prune", "ratio": ratio}
    return _trained(model, LeptonModel(model.spec, built, model.task), built, data, asked, about, view)


def distilled(
    model: LeptonModel, data: Dataset, student: str | LeptonModel, epochs: int, view: str
) -> Run:
    """Train a smaller model of the catalogue with what a trained one says of the training samples.

    Raises:
        LeptonError: It is not smaller, cannot do the task, or the task has no soft targets.
    """
    from lepton_lab.compression.distil import TEMPERATURE, WEIGHT, teach
    from lepton_lab.tasks import tasks
    from lepton_lab.tasks.soft_targets import FILE
    from lepton_lab.workbench.model import LeptonModel

    asked = _asked(model)
    spec = student.spec if isinstance(student, LeptonModel) else ModelSpec(name=student)
    built = tasks.get(model.task).build(spec, data, asked.seed)
    ours, theirs = (sum(p.numel() for p in one.module.parameters()) for one in (built, model.built))
    if ours >= theirs:
        raise LeptonError(
            f"{built.entry.name} is not smaller than {model.name}.",
            f"It has {ours:,} parameters, the teacher {theirs:,}.",
            f"lab.models(task={model.task!r}, max_params='{max(theirs // 2_000_000, 1)}M')",
        )
    if tuple(built.classes) != tuple(model.built.classes):
        raise LeptonError("The data's classes are not the teacher's.", "A student learns from answers to the same question.")
    built.files = {**built.files, FILE: teach(model.built, model.task, data.train)}
    short = built.entry.name.split("/")[-1]
    asked = replace(
        asked, epochs=epochs or asked.epochs, mixup=0.0, cutmix=0.0, label_smoothing=0.0, layer_decay="auto",
        name=free_name(f"{model.name}-distilled-{short}"),
    )  # fmt: skip
    about = {"method": "distil", "temperature": TEMPERATURE, "weight": WEIGHT}
    return _trained(model, LeptonModel(spec, built, model.task), built, data, asked, about, view)


def rewritten(
    model: LeptonModel, data: Dataset, one: Candidate, samples: Any, facts: Mapping[str, Any]
) -> tuple[Run, Artifact]:
    """A run that is an ONNX graph, with its artifact; nothing is left of it when the gate refuses.

    Args:
        model: What the graph was made of.
        data: Its data.
        one: The graph and what was measured.
        samples: The split that the gate takes its samples from.
        facts: What the certificate says about the original.

    Raises:
        ParityError: The graph does not answer elsewhere as it does here.
        StorageError: The disk is full.
    """
    import torch

    from lepton_lab.catalog.graph_models import configuration
    from lepton_lab.compression.writer import write
    from lepton_lab.training import Plan, checkpoint
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.subject import make_subject

    assert one.path is not None and one.measured is not None
    before, graph, parent = model.built, one.path.read_bytes(), model.run
    config = configuration(before.entry.name, model.task, one.method, graph, before.preprocessing)
    built = replace(before, config=config, weights=_from(model), pretrained=True)
    asked = replace(_asked(model), name=free_name(f"{model.name}-{one.method}"), track=())
    plan = Plan(**parent.record["plan"]) if parent else decided(before, data, asked)
    origin = {"run": parent.name if parent else "", "method": one.method}
    folder = _new_folder(built, data, RunSpec(model.spec, data.spec, asked, model.task), plan, origin)
    try:
        subject = replace(make_subject(model, parent, samples), name=folder.name)
        known = dict(subject.provenance) | {"compression": {"method": one.method, "of": model.name}}
        known.pop("metrics", None)
        subject = replace(subject, provenance=known)
        artifact = write(subject, one.path, folder.path / "artifacts" / f"{folder.name}.lepton", facts)
        tree = {"graph": torch.frombuffer(bytearray(graph), dtype=torch.uint8), "anchor": torch.zeros(())}
        checkpoint.save(folder.checkpoints, 0, {"model": tree}, {"epoch": 0})
        _tell(folder.journal, folder.name, built, data, model.task, one, plan.device)
        score = one.measured.score
        best = {"step": 0, "epoch": 0, "split": samples.name, "metric": score.name, score.name: score.value}
        folder.update(state="done", step=0, epoch=0, best=best, ended=time.time(), seconds=0.0)
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return Run(folder, data=data), artifact


def exported(run: Run, format: str, to: Path) -> Artifact:
    """The artifact of a run that is a graph, copied to another place.

    Raises:
        LeptonError: Another format than ONNX was asked for.
    """
    from lepton_lab import durable
    from lepton_lab.compression.writer import copy
    from lepton_lab.exporting import load_artifact

    if format != "onnx":
        raise LeptonError(
            f"Run '{run.name}' cannot be written as {format}.",
            "It is a quantized ONNX graph; its weights exist in no other form.",
            f"lab.run('{run.name}').export('onnx')",
        )
    own = load_artifact(run.path / "artifacts" / f"{run.name}.lepton")
    own.verify()
    to = to / own.path.name if to.suffix != own.path.suffix else to
    if to.absolute() == own.path.absolute():
        return own
    with durable.new_directory(to) as folder:
        copy(own.path, folder)
    return load_artifact(to)


def free_name(name: str) -> str:
    """A name like this one that no run has."""
    name, number = name[:90], 2
    found = name
    while (runs_root() / found).exists():
        found, number = f"{name}-{number}", number + 1
    return found


def _trained(
    parent: LeptonModel,
    model: LeptonModel,
    built: BuiltModel,
    data: Dataset,
    asked: TrainSpec,
    about: dict[str, Any],
    view: str,
) -> Run:
    """Train a model that exists already; blocks and returns the run.

    Raises:
        LeptonError: The run was stopped before its end.
    """
    plan = decided(built, data, asked)
    spec = RunSpec(model.spec, data.spec, asked, model.task)
    name = parent.run.name if parent.run else ""
    origin = {"run": name, "step": 0, "learning_rate": None, "compression": about}
    work = afresh(model, built, data, spec, plan, parent=origin)
    try:
        _keep_start(work)
    except BaseException:
        shutil.rmtree(work.folder.path, ignore_errors=True)
        raise
    run = launch(work, False, False, view)
    if run.state != "done":
        raise LeptonError(
            f"Run '{run.name}' was {run.state}, so nothing was compared.",
            "It is kept as far as it came.",
            f"lab.resume('{run.name}')",
        )
    return run


def _keep_start(work: Work) -> None:
    """Keep the module as it is before the first step: no catalogue could make it again."""
    from lepton_lab.training import Control
    from lepton_lab.training.trainer import Trainer

    folder = work.folder.path / START
    parts = (work.built, work.data, work.spec.train, work.plan, Bus(), Control(work.folder.path, {}))
    trainer = Trainer(*parts, folder, work.spec.task)
    try:
        trainer.save()
    finally:
        trainer.saver.close()


def _asked(model: LeptonModel) -> TrainSpec:
    """How the model was trained; the rate is decided anew for what comes of it."""
    if model.run is None:
        return TrainSpec()
    before = from_json(RunSpec, model.run.record["spec"]).train
    auto = {"learning_rate": "auto", "weight_decay": "auto"}
    return replace(before, budget="", patience=0, track=(), **auto)  # type: ignore[arg-type]


def _from(model: LeptonModel) -> str:
    return f"run {model.run.name}" if model.run else model.built.weights


def _tell(
    journal: Path, name: str, built: BuiltModel, data: Dataset, task: str, one: Candidate, device: str
) -> None:
    """The journal of a run that was done at once."""
    assert one.measured is not None
    score, write = one.measured.score, JournalWriter(journal)
    values = {score.name: score.value}
    write(RunStarted(run=name, model=built.entry.name, data=data.name, task=task, metric=score.name, epochs=0, steps_per_epoch=1, device=device))
    write(Evaluated(0, 0, data.held_out.name, values, True))
    write(RunEnded(0, 0, "done", 0.0, f"{one.method}, nothing was trained", values))
    write.close()
