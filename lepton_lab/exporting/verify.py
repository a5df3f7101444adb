# SPDX-License-Identifier: BSD-3-Clause
"""The gate: an export that does not compute what the model computes is not written.

A staged bundle is run as its users will run it: in a fresh process (without torch, for ONNX), fed
the original bytes of real held-out samples and of awkward ones, in several batch sizes. For every
sample the prepared input must be the same, bit for bit, every output within tolerance, and the
answer the same up to ties. The preparation itself is compared with that of the library the model
came from, where that is possible.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.errors import ParityError
from lepton_lab.exporting.bundle import plain
from lepton_lab.exporting.process import run_python
from lepton_lab.exporting.registered import formats
from lepton_lab.exporting.signatures import signatures
from lepton_lab.exporting.trial import Trial, make_trial
from lepton_lab.runtime.errors import BundleError
from lepton_lab.runtime.manifest import check_files, read_manifest
from lepton_lab.runtime.probe import BATCH_SIZES, batch_indexes, unpacked

if TYPE_CHECKING:
    from lepton_lab.exporting.contract import Format
    from lepton_lab.exporting.signature import Outputs, Score, Signature
    from lepton_lab.exporting.subject import Subject

_INDEPENDENT_SAMPLES = 2


def gate(folder: Path, subject: Subject, trial: Trial | None = None) -> dict[str, Any]:
    """Prove a staged bundle equal to the live model; returns the certificate.

    Args:
        folder: The staged bundle.
        subject: The live model.
        trial: Its answers, when they were computed already.

    Raises:
        ParityError: With the figures and the first sample that differs.
    """
    trial = trial or make_trial(subject)
    signature = signatures.get(subject.task)
    manifest = _checked_manifest(folder, subject)
    real = [sample.data for sample in trial.samples[trial.odd :]]
    problem = signature.independent_check(subject, real[:_INDEPENDENT_SAMPLES])
    if problem:
        raise _refused(subject, "The preprocessing", problem[0].upper() + problem[1:] + ".")
    before = _score(signature, trial.outputs, trial)
    sections = {
        name: _examine(formats.get(name), folder, subject, trial) for name in manifest["formats"]
    }
    return {
        "passed": True,
        "samples": {"real": trial.real, "odd": trial.odd, "all": len(trial.samples)},
        "odd": [sample.id for sample in trial.samples[: trial.odd]],
        "batch_sizes": list(BATCH_SIZES),
        "tolerance": signature.tolerance(trial.outputs),
        "metric": plain(asdict(before)) if before.n else None,
        "formats": sections,
    }


@dataclass(frozen=True)
class Comparison:
    """What a fresh process computed, against the live model, over all samples.

    Attributes:
        differences: The largest one of each output, over all batch sizes.
        agreement: Share of samples with the same answer.
        score: The metric of what was exported.
        culprit: Index of the first sample that differs, or -1.
        how: In what it differs.
    """

    differences: dict[str, float]
    agreement: float
    score: Score
    culprit: int
    how: str


def _examine(form: Format, folder: Path, subject: Subject, trial: Trial) -> dict[str, Any]:
    """Run one format in a fresh process and compare; its section of the certificate."""
    signature = signatures.get(subject.task)
    with tempfile.TemporaryDirectory(prefix="lepton-gate-") as scratch:
        arrays = _probe(form, folder, subject, trial, Path(scratch))
    facts = json.loads(str(arrays["facts"]))
    if facts["frameworks"] and not form.frameworks:
        raise _refused(
            subject, f"The {form.name} export", f"It loads {', '.join(facts['frameworks'])}."
        )
    if list(arrays["labels"]) != list(subject.built.classes):
        raise _refused(subject, f"The {form.name} export", "It names the classes differently.")
    found = _compare(signature, trial, arrays, subject)
    before = _score(signature, trial.outputs, trial)
    if found.culprit >= 0:
        what = f"The {form.name} export"
        raise _refused(subject, what, _figures(signature, subject, trial, found, arrays), form.name)
    section: dict[str, Any] = plain(
        {
            "agreement": found.agreement,
            "largest_difference": found.differences,
            "metric": {"before": asdict(before), "after": asdict(found.score)}
            if before.n
            else None,
            "milliseconds": {"prepare": facts["prepare_ms"], "compute": facts["compute_ms"]},
            "versions": facts["versions"],
        }
    )
    return section


def _probe(
    form: Format, folder: Path, subject: Subject, trial: Trial, scratch: Path
) -> dict[str, np.ndarray]:
    samples, output = scratch / "samples", scratch / "outputs.npz"
    samples.mkdir()
    for number, sample in enumerate(trial.samples):
        (samples / f"{number:05d}").write_bytes(sample.data)
    done = run_python(form.probe(subject.task, samples, output), folder)
    if done.returncode != 0 or not output.is_file():
        lines = (
            done.stderr.strip() or done.stdout.strip() or "It stopped without a word."
        ).splitlines()
        raise _refused(
            subject, f"The {form.name} export", f"It does not run: {lines[-1]}", form.name
        )
    with np.load(output, allow_pickle=False) as file:
        return dict(file)


def _compare(
    signature: Signature, trial: Trial, arrays: dict[str, np.ndarray], subject: Subject
) -> Comparison:
    """Look at inputs, then at every output in every batch size, then at the answers."""
    culprits: list[tuple[int, str]] = []
    different = [i for i, key in enumerate(trial.inputs) if arrays["inputs"][i] != key]
    culprits += [(i, "its prepared input differs") for i in different[:1]]
    differences = {}
    for name, limit in signature.tolerance(trial.outputs).items():
        worst = 0.0
        for size in BATCH_SIZES:
            gaps, rows = _gaps(trial, arrays, name, size, subject)
            worst = max(worst, float(gaps.max()))
            bad = np.flatnonzero(~(gaps <= limit))
            culprits += [(rows[i], f"{name} in batches of {size}") for i in bad[:1]]
        differences[name] = worst
    largest = BATCH_SIZES[-1]
    outputs = {
        name: unpacked(arrays, name, largest)[: len(trial.samples)] for name in trial.outputs
    }
    agrees = signature.agrees(trial.outputs, outputs)
    culprits += [(int(i), "its answer differs") for i in np.flatnonzero(~agrees)[:1]]
    score = _score(signature, outputs, trial)
    row, how = min(culprits, key=lambda culprit: culprit[0], default=(-1, ""))
    return Comparison(differences, float(agrees.mean()), score, row, how)


def _gaps(
    trial: Trial, arrays: dict[str, np.ndarray], name: str, size: int, subject: Subject
) -> tuple[np.ndarray, list[int]]:
    """The largest difference per row of one output at one batch size; NaN counts as infinite."""
    rows = batch_indexes(len(trial.samples), size)
    wanted = [trial.outputs[name][row] for row in rows]
    found = unpacked(arrays, name, size)
    if len(found) != len(wanted):
        reason = f"Its output '{name}' has {len(found)} answers instead of {len(wanted)}."
        raise _refused(subject, "The export", reason)
    gaps = np.array([_gap(a, b) for a, b in zip(found, wanted, strict=True)])
    return gaps, rows


def _gap(found: np.ndarray, wanted: np.ndarray) -> float:
    if found.shape != wanted.shape:
        return float("inf")
    if not wanted.size:
        return 0.0
    gap = float(np.abs(found.astype(np.float64) - wanted).max())
    return float("inf") if np.isnan(gap) else gap


def _checked_manifest(folder: Path, subject: Subject) -> dict[str, Any]:
    """The manifest, when files, labels, task and preprocessing are those of the live model."""
    try:
        manifest = read_manifest(folder)
        check_files(folder, manifest)
    except BundleError as error:
        raise _refused(subject, "The bundle", f"{error}.") from error
    built = subject.built
    wanted = {
        "task": subject.task,
        "labels": list(built.classes),
        "preprocessing": plain(built.preprocessing),
        **signatures.get(subject.task).interface(built),
    }
    wrong = [key for key, value in wanted.items() if manifest[key] != value]
    if wrong:
        raise _refused(subject, "The manifest", f"Its {wrong[0]} differs from the model's.")
    return manifest


def _score(signature: Signature, outputs: Outputs, trial: Trial) -> Score:
    """The metric over the samples whose label is known."""
    known = [i for i, sample in enumerate(trial.samples) if sample.target is not None]
    some = {name: [values[i] for i in known] for name, values in outputs.items()}
    return signature.score(some, [trial.samples[i].target for i in known])


def _figures(
    signature: Signature,
    subject: Subject,
    trial: Trial,
    found: Comparison,
    arrays: dict[str, np.ndarray],
) -> str:
    """The sentence with the numbers and the first sample that differs."""
    row, labels = found.culprit, subject.built.classes
    given = {name: unpacked(arrays, name, BATCH_SIZES[-1]) for name in trial.outputs}
    model, export = (signature.answer(o, row, labels) for o in (trial.outputs, given))
    limits = signature.tolerance(trial.outputs)
    gaps = ", ".join(
        f"{k} {v:.2g} (tolerance {limits[k]:.2g})" for k, v in found.differences.items()
    )
    text = (
        f"First sample that differs: '{trial.samples[row].id}' ({found.how}): {model} by the "
        f"model, {export} by the export. Largest difference: {gaps}. "
        f"Top-1 agreement {found.agreement:.3f} on {len(trial.samples)} samples."
    )
    before = _score(signature, trial.outputs, trial)
    if before.n:
        after = found.score.value
        text += f" {before.name} {before.value:.3f} by the model, {after:.3f} by the export."
    return text


def _refused(subject: Subject, what: str, why: str, form: str = "") -> ParityError:
    others = [name for name in formats.names() if name != form]
    return ParityError(
        f"{what} of '{subject.name}' is not what the model is; nothing was written.",
        why,
        f"model.export('{others[0]}')" if form and others else "",
    )
