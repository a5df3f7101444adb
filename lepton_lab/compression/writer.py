# SPDX-License-Identifier: BSD-3-Clause
"""The artifact of a model that is an ONNX file already: staged, proven, written whole or not at all.

It is proven twice. A fresh process has to answer as the file answers here, which the export gate shows; and the
certificate says how often those answers are the original's, which no tolerance can decide.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab import durable
from lepton_lab.compression.batches import depends_on_batch, prove_by_batch, settle_golden
from lepton_lab.compression.graphs import session
from lepton_lab.compression.measure import computing
from lepton_lab.exporting.artifact import Artifact
from lepton_lab.exporting.bundle import plain, seal, stage
from lepton_lab.exporting.card import model_card
from lepton_lab.exporting.registered import formats
from lepton_lab.exporting.signatures import signatures
from lepton_lab.exporting.trial import make_trial
from lepton_lab.exporting.verify import gate
from lepton_lab.runtime.inputs import preparer
from lepton_lab.runtime.manifest import MANIFEST, list_files
from lepton_lab.runtime.predictor import MODEL
from lepton_lab.runtime.probe import BATCH_SIZES, run

if TYPE_CHECKING:
    from lepton_lab.exporting.subject import Subject


def write(subject: Subject, graph: Path, path: Path, facts: Mapping[str, Any]) -> Artifact:
    """Write the artifact of a smaller model.

    Args:
        subject: The original, under the name of the smaller one.
        graph: The smaller one's ONNX file.
        path: Folder to write, `name.lepton`.
        facts: What was measured against the original, for the certificate.

    Raises:
        ParityError: A fresh process answers otherwise; nothing was written.
        StorageError: The disk is full or the folder cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="lepton-compress-") as scratch:
        staged = Path(scratch) / path.name
        staged.mkdir()
        _fill(subject, graph, staged, facts)
        with durable.new_directory(path) as folder:
            copy(staged, folder)
    return Artifact(path)


def copy(source: Path, folder: Path) -> None:
    """Every file of an artifact into another, empty folder."""
    for name in list_files(source):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)


def _fill(subject: Subject, graph: Path, staged: Path, facts: Mapping[str, Any]) -> None:
    before, signature = make_trial(subject), signatures.get(subject.task)
    ready = preparer(subject.built.preprocessing, subject.built.files)
    compute = computing(session(graph))
    found = run(ready, compute, before.output.cut, before.rows, BATCH_SIZES[-1])
    found = {name: values[: len(before.rows)] for name, values in found.items()}
    trial = replace(before, outputs=found)
    form = replace(formats.get("onnx"), write=lambda _, __, folder: _put(graph, folder))
    stage(subject, trial, [form], staged)
    if depends_on_batch(trial, ready, compute, signature):
        settle_golden(staged, trial.output, ready, compute)
        certificate = prove_by_batch(staged, subject, trial, ready, compute)
    else:
        certificate = gate(staged, subject, trial)
    agrees = signature.agrees(before.outputs, trial.outputs)
    about = {**facts, "agreement_on_these_samples": float(np.mean(agrees))}
    durable.write_json(staged / "certificate.json", {**certificate, "original": plain(about)})
    card = model_card(durable.read_json(staged / MANIFEST), certificate)
    durable.write_text(staged / "MODEL_CARD.md", card)
    seal(staged)


def _put(graph: Path, folder: Path) -> list[str]:
    shutil.copyfile(graph, folder / MODEL)
    return [MODEL]
