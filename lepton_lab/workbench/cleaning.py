# SPDX-License-Identifier: BSD-3-Clause
"""`lab.clean`: suspects of a data set in a grid, decided by key or mouse, kept in an edits file beside the runs."""

from __future__ import annotations

import hashlib
import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab import views
from lepton_lab.cleaning import Desk, Pool, features
from lepton_lab.datasets.edits import parted
from lepton_lab.datasets.records import plural
from lepton_lab.errors import LeptonError, WeightsError
from lepton_lab.journal import runs_root
from lepton_lab.journal.folder import NAME
from lepton_lab.rendering import Card, Table

if TYPE_CHECKING:
    import pandas

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset
    from lepton_lab.workbench.cleaning_page import CleaningPage
    from lepton_lab.workbench.handle import Run

FOLDER = "_edits"  # no run can bear a name with this first character
SMALL = 32
_USUAL, _GLYPHS = "resnet18", "lepton_glyphs"
_USUAL_TEXT = "sentence-transformers/all-MiniLM-L6-v2"
CLEANABLE = ("image", "text")


class Cleaning(Desk):
    """A data set under cleaning: see `lab.clean`.

    Attributes:
        backbone: The model whose features are used, in words.
    """

    backbone = ""

    @cached_property
    def page(self) -> CleaningPage:
        """The grid on a page of the notebook."""
        from lepton_lab.workbench.cleaning_page import CleaningPage

        return CleaningPage(self)

    def to_pandas(self) -> pandas.DataFrame:
        """One row per suspect: id, split, label, suggested, score, reasons, edit."""
        import pandas

        edits, rows = self.edits, []
        for suspect in self.suspects:
            sample = self.pool.samples[suspect.place]
            edit = edits.get(sample.id)
            rows.append(
                {
                    "id": _text(sample.id),
                    "split": self.pool.sides[suspect.place],
                    "label": _text(self._class(sample.label)),
                    "suggested": _text(self._class(suspect.suggested)),
                    "score": round(suspect.score, 4),
                    "reasons": " ".join(reason.words for reason in suspect.reasons),
                    "edit": "" if edit is None else _text(f"{edit.action} {edit.label}".strip()),
                }
            )
        columns = ["id", "split", "label", "suggested", "score", "reasons", "edit"]
        return pandas.DataFrame(rows, columns=columns)

    def text(self) -> str:
        """At most twelve lines."""
        return self._card(4).text()

    def html(self) -> str:
        """Facts and the first suspects; everything is escaped."""
        return self._card(24).html()

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        plain = {"text/plain": self.text(), "text/html": self.html()}
        if views.choose().name != "widget":
            return plain
        from lepton_lab.widgets.bundle import bundle

        return bundle(self.page.widget.model_id, "clean", plain)

    def _class(self, label: int | None) -> str:
        return "" if label is None else self.pool.classes[label]

    def _card(self, most: int) -> Card:
        rows = [
            (
                self.pool.samples[s.place].id,
                self._class(self.pool.samples[s.place].label),
                s.reasons[0].words,
            )
            for s in self.suspects[:most]
        ]
        score = self.score
        facts = {
            "suspects": f"{plural(len(self.suspects), 'sample')} of {len(self.pool)}",
            "edits": f"{len(self.edits)} in {self.path.name}",
            "features": self.backbone,
            "score": score.text() if score else "Nothing was held out, so nothing is measured.",
        }
        rest = len(self.suspects) - len(rows)
        note = f"… {rest} more: cleaning.to_pandas()" if rest > 0 else ""
        table = Table(["sample", "label", "why"], rows, "", note)
        parts = [table] if rows else []
        return Card(f'Cleaning "{self.data.name}"', facts, parts, ["data = cleaning.apply()"])


def clean(source: Any = None, model: Any = None) -> Cleaning:
    """Find suspect samples and decide about them: relabel, drop, keep. No file of the data is changed.

    Args:
        source: A data set or what `lab.data` takes, or a run (its data, and where it fails); the latest data when
            left out.
        model: The backbone whose features are used: a model, a name. By default the pretrained model that the
            run began from, because a trained one has seen the labels it would judge; for images alone resnet18,
            or lepton_glyphs for tiny pictures and where resnet18 cannot be had; for texts a MiniLM of the hub.

    Raises:
        LeptonError: cleanlab is not installed, or there is no such data, run or model.
    """
    data, run = _data_and_run(source)
    original = data.original or data
    if original.content not in CLEANABLE or original.labels != "class":
        raise LeptonError(
            f"'{original.name}' cannot be cleaned.",
            f"Images and texts with one class each can; these are {original.content} with {original.labels}.",
            "data.audit()",
        )
    path = parted(data.spec.edits)[0] if data.spec.edits else edits_path(original)
    pool = Pool.of(original)
    built, said = _backbone(model, run, original)
    kept = runs_root() / FOLDER / "features"
    found = features(built, pool.samples, pool.digests, kept, original.task)
    cleaning = Cleaning(original, found, path, _says(run, pool) if run is not None else None)
    cleaning.backbone = said
    return cleaning


def edits_path(data: Dataset) -> Path:
    """Where the edits of a data set are kept: beside the runs, by where the data is, or by content in memory."""
    source = Path(data.spec.path).expanduser()
    if data.spec.path and source.exists():
        # Relative, so that a project which is moved as a whole keeps its edits.
        origin = os.path.relpath(source.absolute(), runs_root().parent)
    else:
        origin = (
            data.spec.path if data.spec.path not in ("", "arrays", "hub") else data.fingerprint()
        )
    key = hashlib.sha256(os.fsencode(origin)).hexdigest()[:8]
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", data.name).strip("-._")[:40] or "data"
    return runs_root() / FOLDER / f"{stem}-{key}.jsonl"


def _data_and_run(source: Any) -> tuple[Dataset, Run | None]:
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.listing import run as run_called
    from lepton_lab.workbench.resolve import resolve_data

    if (
        isinstance(source, str)
        and NAME.fullmatch(source)
        and (runs_root() / source / "run.json").is_file()
    ):
        source = run_called(source)
    run = source if isinstance(source, Run) else getattr(source, "run", None)
    if isinstance(run, Run):
        return run.data, run
    return resolve_data(source), None


def _backbone(model: Any, run: Run | None, data: Dataset) -> tuple[BuiltModel, str]:
    """The model that gives the features, and what to say of it."""
    from lepton_lab.catalog import build
    from lepton_lab.spec import ModelSpec
    from lepton_lab.tasks import tasks
    from lepton_lab.workbench.loading import load_model

    make = tasks.get(data.task).build

    if model is not None:
        found = (
            load_model(model) if isinstance(model, (str, Path)) else getattr(model, "model", model)
        )
        own = found.built if found.task == data.task else make(found.spec, data, 0)
        return own, f"of {found.name}"
    if run is not None:
        spec = run.spec.model
        if spec.weights != "none":
            try:
                return make(spec, data, 0), f"of {spec.name} before it was trained"
            except LeptonError:
                pass  # what it began from is gone; the run itself is here
        return run.model.built, f"of run {run.name}, which has seen the labels"
    if data.content == "text":
        return make(ModelSpec(_USUAL_TEXT), data, 0), f"of {_USUAL_TEXT}"
    sizes = [min(c.facts.width, c.facts.height) for c in data.checks.values() if c.facts]
    if sizes and np.median(sizes) > SMALL:
        try:
            return build(ModelSpec(_USUAL)), f"of {_USUAL}"
        except WeightsError:
            return build(
                ModelSpec(_GLYPHS)
            ), f"of {_GLYPHS}; {_USUAL} could not be fetched and would see more"
    return build(ModelSpec(_GLYPHS)), f"of {_GLYPHS}"


def _says(run: Run, pool: Pool) -> tuple[str, np.ndarray] | None:
    """Name and probabilities of a run for the whole pool; None when its classes are others."""
    import torch

    from lepton_lab.spec import TrainSpec
    from lepton_lab.tasks import tasks
    from lepton_lab.training.evaluate import outputs

    model = run.model
    if model.classes != pool.classes:
        return None
    device = next(model.module.parameters()).device
    task = tasks.get(model.task).create(model.built, TrainSpec(), True)
    found = outputs(task, model.module, pool.samples, device=torch.device(device))
    return run.name, found.astype(np.float64)


def _text(name: str) -> str:
    """A name that a table can hold; bytes of a file name that are no text are written as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()
