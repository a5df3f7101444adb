# SPDX-License-Identifier: BSD-3-Clause
"""The ways in which a run begins: afresh, where it stopped, from a checkpoint of another, or once more."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab import mailbox
from lepton_lab.datasets import handover
from lepton_lab.durations import seconds
from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.events import Controlled, RunStarted
from lepton_lab.journal import RunFolder, new_run
from lepton_lab.journal.folder import LIVE
from lepton_lab.spec import ModelSpec, RunSpec, TrainSpec, from_json, parse, to_json
from lepton_lab.training import Plan
from lepton_lab.views import in_kernel
from lepton_lab.workbench import assets
from lepton_lab.workbench.budgeting import in_time
from lepton_lab.workbench.handle import Run
from lepton_lab.workbench.session import Work
from lepton_lab.workbench.tracking import check_trackers

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset
    from lepton_lab.workbench.model import LeptonModel

KEPT_DATA = 500_000_000
START = "start"
LIBRARIES = ("lepton-lab", "torch", "torchvision", "timm", "transformers", "numpy", "pillow")


def afresh(
    model: LeptonModel,
    built: BuiltModel,
    data: Dataset,
    spec: RunSpec,
    plan: Plan,
    *,
    parent: dict[str, Any] | None = None,
) -> Work:
    """A new run from step 0."""
    folder = _new_folder(built, data, spec, plan, parent or {})
    return Work(model, built, data, spec, plan, folder)


def resumed(run: Run) -> Work:
    """A run from its newest whole checkpoint on, in the same folder; from step 0 when it had none yet.

    Raises:
        LeptonError: It is under way, it is done, its data changed, or it has no checkpoint.
    """
    from lepton_lab.training import checkpoint

    record = run.record
    if record["state"] in LIVE:
        raise LeptonError(
            f"Run '{run.name}' is under way (process {record['process'].get('pid')}).",
            "Two processes cannot train one run.",
            f"%lepton runs {run.name}",
        )
    if record["state"] == "done":
        raise LeptonError(
            f"Run '{run.name}' is done; there is nothing to resume.",
            "Train its model further instead.",
            f"lab.run('{run.name}').model.train(data)",
        )
    work = work_of(run, run.folder)
    if not checkpoint.newest(run.folder.checkpoints):
        _first_weights(run, work)
    else:
        work.checkpoint = newest_whole(run.folder)
    mailbox.clear(run.path)
    return work


def branched(run: Run, step: int | None = None, **changes: Any) -> Work:
    """A child of a run from one of its kept checkpoints, with some values changed.

    Args:
        run: The parent.
        step: A step that has a checkpoint; the newest when left out.
        **changes: Fields of `TrainSpec`; order and augmentation go on as in the parent unless the seed changes.

    Raises:
        LeptonError: There is no checkpoint of that step; the message names those there are.
    """
    record = run.record
    spec = from_json(RunSpec, record["spec"])
    asked = parse(
        TrainSpec, {**to_json(spec.train), "name": "", "budget": "", **changes}, where="train"
    )
    start = _checkpoint_at(run, step)
    spec = replace(spec, train=asked)
    plan = _changed_plan(Plan(**record["plan"]), changes)
    work = work_of(run, run.folder)
    work.learning_rate = (
        plan.learning_rate if "learning_rate" in changes or "lr" in changes else None
    )
    parent = {
        "run": run.name,
        "step": int(start.name[5:]),
        "learning_rate": work.learning_rate,
    }
    work.folder = _new_folder(work.built, work.data, spec, plan, parent)
    start = _held(start, work.folder)
    work.spec, work.plan, work.checkpoint, work.branch = spec, plan, start, True
    return work


def repeated(run: Run, *, name: str = "") -> Work:
    """The run once more from its first step, its control actions given again at their steps.

    Raises:
        LeptonError: It started from another run's weights that are gone.
    """
    from lepton_lab.training.control import Order
    from lepton_lab.training.orders import REPEATED

    work = work_of(run, run.folder)
    _first_weights(run, work)
    replay: dict[int, list[Any]] = {}
    for event in run.folder.events():
        if isinstance(event, RunStarted):
            replay = _before(event.step, replay)
        elif isinstance(event, Controlled) and event.action in REPEATED:
            replay.setdefault(event.step, []).append(Order(event.action, event.values))
    spec = replace(work.spec, train=replace(work.spec.train, name=name, budget=""))
    work.plan = replace(work.plan, time=None)
    parent = {**run.record["parent"], "repeats": run.name}
    work.folder = _new_folder(work.built, work.data, spec, work.plan, parent)
    if work.checkpoint is not None:
        work.checkpoint = _held(work.checkpoint, work.folder)
    work.spec, work.replay = spec, replay
    return work


def _before(step: int, replay: dict[int, list[Any]]) -> dict[int, list[Any]]:
    """The orders that still hold when a run goes on after `step`: later ones, and the stop, were undone."""
    return {
        at: [order for order in orders if order.action != "stop"]
        for at, orders in replay.items()
        if at <= step
    }


def newest_whole(folder: RunFolder) -> Path:
    """The newest checkpoint that is what was written; damaged ones are passed over.

    Raises:
        LeptonError: There is none.
    """
    from lepton_lab.training import checkpoint

    damaged = []
    for path in checkpoint.newest(folder.checkpoints):
        try:
            checkpoint.load(path)
            return path
        except StorageError:
            damaged.append(path.name)
    raise LeptonError(
        f"Run '{folder.name}' cannot be resumed: it has no whole checkpoint.",
        f"Damaged: {', '.join(damaged)}."
        if damaged
        else "It ended before its first one was saved.",
        "Train again with the same seed: the result is the same.",
    )


def work_of(run: Run, folder: RunFolder) -> Work:
    """Model, data, spec and plan of a run, from its folder; the data is checked to be the same."""
    from lepton_lab.catalog.graph_models import check_trainable
    from lepton_lab.workbench.loading import built_of
    from lepton_lab.workbench.model import LeptonModel

    record = run.record
    check_trainable(record["model"]["config"], run.name, record["parent"].get("run", ""))
    data = run.data
    if data.fingerprint() != record["data"]["fingerprint"]:
        raise LeptonError(
            f"The data of run '{run.name}' is not what it was trained on.",
            f"{record['data']['name']} had fingerprint {record['data']['fingerprint']}, now {data.fingerprint()}.",
            "Put the files back, or train afresh.",
        )
    built = built_of(record, folder.path)
    spec = from_json(RunSpec, record["spec"])
    model = LeptonModel(from_json(ModelSpec, record["spec"]["model"]), built, spec.task)
    return Work(model, built, data, spec, Plan(**record["plan"]), folder)


def _first_weights(run: Run, work: Work) -> None:
    """The module as it was before the run's first step: from its model, or from the run that it began from."""
    from lepton_lab.workbench.heads import with_head
    from lepton_lab.workbench.listing import run as run_called
    from lepton_lab.workbench.model import LeptonModel

    parent = run.record["parent"]
    if "step" in parent:
        own = run.folder.path / START / f"step-{parent['step']}"
        found = own if own.is_dir() else _checkpoint_at(run_called(parent["run"]), parent["step"])
        work.checkpoint, work.branch = found, True
        work.learning_rate = parent["learning_rate"]
        return
    weights = parent.get("weights")
    source = run_called(parent["run"]).model if weights else LeptonModel(work.spec.model)
    work.built, _ = with_head(source, work.data, work.spec.train)
    work.model = LeptonModel(work.spec.model, work.built, work.spec.task)


def _checkpoint_at(run: Run, step: int | None) -> Path:
    from lepton_lab.training import checkpoint

    if step is None:
        return newest_whole(run.folder)
    path = run.folder.checkpoints / f"step-{step}"
    if path.is_dir():
        return path
    kept = ", ".join(p.name[5:] for p in reversed(checkpoint.newest(run.folder.checkpoints)))
    raise LeptonError(
        f"Run '{run.name}' has no checkpoint at step {step}.",
        f"Kept are steps {kept}." if kept else "None is kept.",
        f"run.branch(step={kept.split(', ')[-1]})" if kept else "",
    )


def _held(start: Path, folder: RunFolder) -> Path:
    """The checkpoint under the child's own roof: the parent may clear its own away while the child waits."""
    own = folder.path / START / start.name
    shutil.copytree(start, own, copy_function=_link)
    return own


def _link(source: str, target: str) -> None:
    """Another name for the same file; a copy where the disk has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _changed_plan(plan: Plan, changes: dict[str, Any]) -> Plan:
    """The plan with the values that were changed; what depends on none of them stays as decided."""
    named = {"lr": "learning_rate", "bs": "batch_size"}
    fields = {named.get(k, k): v for k, v in changes.items()}
    spec = parse(TrainSpec, fields, where="train")
    known = {n: getattr(spec, n) for n in fields if hasattr(plan, n) and getattr(spec, n) != "auto"}
    if "batch_size" in known:
        raise LeptonError(
            "A branch keeps the batch size of its parent.",
            "Its order of samples is cut into batches of that size.",
            "run.model.train(data, batch_size=...)",
        )
    plan = replace(plan, **known, time=None)
    if "epochs" in known:
        plan = replace(plan, steps_at_most=0)
    return in_time(plan, seconds(spec.budget), None if "epochs" not in known else plan.steps)


def _new_folder(
    built: BuiltModel, data: Dataset, spec: RunSpec, plan: Plan, parent: dict[str, Any]
) -> RunFolder:
    check_trackers(spec.train.track)
    record = {
        "spec": to_json(spec),
        "plan": plan.to_json(),
        "model": {
            "name": built.entry.name,
            "config": built.config,
            "preprocessing": built.preprocessing,
            "classes": list(built.classes),
            "weights": built.weights,
            "pretrained": built.pretrained,
            "licence": built.entry.licence,
        },
        "data": _summary(data),
        "parent": parent,
        "environment": _environment(),
        "cell": _cell(),
        "origin": _origin(),
    }
    folder = new_run(spec.train.name, record, f"{data.name}-{built.entry.name.split('/')[-1]}")
    assets.save(folder.path, built.files)
    if handover.needed(data) and handover.size(data) <= KEPT_DATA:
        with contextlib.suppress(StorageError):
            handover.save(data, folder.path / handover.FOLDER)
    return folder


def _summary(data: Dataset) -> dict[str, Any]:
    path = Path(data.spec.path)
    return {
        "name": data.name,
        "kind": data.content,
        "fingerprint": data.fingerprint(),
        "licence": data.licence or "not stated",
        "classes": list(data.classes),
        "splits": {split.name: len(split) for split in data.splits()},
        "shuffle": data.shuffle,
        "source": str(path.absolute()) if data.spec.path and path.exists() else data.spec.path,
    }


def _environment() -> dict[str, str]:
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for name in LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def _origin() -> dict[str, str]:
    """The notebook (relative to where its server was started) and the kernel, as far as they are known."""
    kernel = sys.modules["ipykernel.connect"].get_connection_file() if in_kernel() else ""
    found = re.search(r"kernel-([0-9a-f-]{36})", kernel)
    return {
        "notebook": os.environ.get("JPY_SESSION_NAME", ""),
        "kernel": found[1] if found else "",
    }


def _cell() -> str:
    """The code of the cell that is running, where there is one."""
    if "IPython" not in sys.modules:
        return ""
    shell = sys.modules["IPython"].get_ipython()
    history = shell.user_ns.get("In", [""]) if shell is not None else [""]
    return str(history[-1])[:10_000]
