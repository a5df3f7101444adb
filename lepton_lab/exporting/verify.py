# SPDX-License-Identifier: BSD-3-Clause
"""The gate: an export that does not compute what the model computes is not written.

A staged bundle is run as its users will run it: in a fresh process (without torch, for ONNX), fed
the original bytes of real held-out samples and of awkward ones, in several batch sizes, every length
that may change in several values, and with one thread and with two. For every sample the prepared
input must be the same, bit for bit, every output within tolerance, and the answer the same up to ties.
The preparation itself is compared with that of the library the model came from, where that is
possible. A refusal names the first sample and the first stage that differ (see `stages`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.errors import ParityError
from lepton_lab.exporting import stages
from lepton_lab.exporting.bundle import plain
from lepton_lab.exporting.fresh import DoesNotRun, outputs_of
from lepton_lab.exporting.registered import formats
from lepton_lab.exporting.signatures import signatures
from lepton_lab.exporting.trial import Trial, make_trial
from lepton_lab.runtime.errors import BundleError
from lepton_lab.runtime.manifest import check_files, read_manifest
from lepton_lab.runtime.probe import (
    BATCH_SIZES,
    POST_PROCESS,
    THREADS,
    batch_indexes,
    unpacked,
)

if TYPE_CHECKING:
    from lepton_lab.exporting.contract import Format
    from lepton_lab.exporting.signature import Outputs, Score, Signature
    from lepton_lab.exporting.subject import Subject

_INDEPENDENT_SAMPLES = 2
_INPUT = "its prepared input differs"
# Batch size and threads (0: as many as the library wants) of each pass over the samples.
_PASSES = [(size, 0) for size in BATCH_SIZES] + [(BATCH_SIZES[-1], threads) for threads in THREADS]


def gate(
    folder: Path,
    subject: Subject,
    trial: Trial | None = None,
    refused: MutableMapping[str, str] | None = None,
) -> dict[str, Any]:
    """Prove a staged bundle equal to the live model; returns the certificate.

    Args:
        folder: The staged bundle.
        subject: The live model.
        trial: Its answers, when they were computed already.
        refused: Where the reasons of formats that do not pass go, as long as another one passes;
            without it they are errors.

    Raises:
        ParityError: With the figures, and the first sample and stage that differ.
    """
    trial = trial or make_trial(subject)
    signature = signatures.get(subject.task)
    manifest = _checked_manifest(folder, subject, trial)
    real = [sample.data for sample in trial.samples[trial.odd :]]
    problem = signature.independent_check(subject, real[:_INDEPENDENT_SAMPLES])
    if problem:
        raise _refused(subject, "The preprocessing", problem[0].upper() + problem[1:] + ".")
    before = _score(signature, trial.outputs, trial)
    lengths = _lengths(manifest["input"], trial)
    single = [f"{name} {found[0]}" for name, found in lengths.items() if len(found) < 2]
    if single:
        why = f"A length that may change was tried with one value only: {single[0]}."
        raise _refused(subject, "The export", why)
    sections: dict[str, Any] = {}
    for name in manifest["formats"]:
        try:
            sections[name] = _examine(formats.get(name), folder, subject, trial)
        except ParityError as error:
            if refused is None:
                raise
            refused[name] = error.why
    if not sections:
        reasons = " ".join(f"{name}: {why}" for name, why in (refused or {}).items())
        raise _refused(subject, "The export", reasons or "The bundle holds no format.")
    return {
        "passed": True,
        "samples": {"real": trial.real, "odd": trial.odd, "all": len(trial.samples)},
        "odd": [sample.id for sample in trial.samples[: trial.odd]],
        "batch_sizes": list(BATCH_SIZES),
        "threads": list(THREADS),
        "lengths": lengths,
        "tolerance": signature.tolerance(trial.outputs),
        "metric": plain(asdict(before)) if before.n else None,
        "formats": sections,
        "refused": dict(refused or {}),
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
        wrong: Names of the outputs that are out of tolerance for some sample.
    """

    differences: dict[str, float]
    agreement: float
    score: Score
    culprit: int
    how: str
    wrong: tuple[str, ...]


def _examine(form: Format, folder: Path, subject: Subject, trial: Trial) -> dict[str, Any]:
    """Run one format in a fresh process and compare; its section of the certificate."""
    signature = signatures.get(subject.task)
    what = f"The {form.name} export"
    try:
        arrays = outputs_of(form, folder, subject, trial)
    except DoesNotRun as error:
        raise _refused(subject, what, str(error), form.name) from error
    facts = json.loads(str(arrays["facts"]))
    loaded = [name for name in facts["frameworks"] if name not in form.frameworks]
    if loaded:
        raise _refused(subject, what, f"It loads {', '.join(loaded)}.")
    if list(arrays["labels"]) != list(subject.built.classes):
        why = "It names the classes differently. First stage that differs: post-process."
        raise _refused(subject, what, why)
    found = _compare(signature, trial, arrays, subject)
    before = _score(signature, trial.outputs, trial)
    if found.culprit >= 0:
        row = found.culprit
        if found.how == _INPUT:
            prints = json.loads(str(arrays["stages"]))
            stage = stages.of_preparation(subject, trial.samples[row], prints)
        else:
            stage = stages.of_outputs(form.name, folder, subject, trial, row, found.wrong)
        why = _figures(signature, subject, trial, found, arrays, stage)
        raise _refused(subject, what, why, form.name)
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


def _compare(
    signature: Signature, trial: Trial, arrays: dict[str, np.ndarray], subject: Subject
) -> Comparison:
    """Look at inputs, then at every output in every batch size, then at the answers."""
    culprits: list[tuple[int, str]] = []
    different = [i for i, key in enumerate(trial.inputs) if arrays["inputs"][i] != key]
    culprits += [(i, _INPUT) for i in different[:1]]
    differences, wrong = {}, []
    for name, limit in signature.tolerance(trial.outputs).items():
        worst = 0.0
        for size, threads in _PASSES:
            gaps, rows = _gaps(trial, arrays, name, size, threads, subject)
            worst = max(worst, float(gaps.max()))
            bad = np.flatnonzero(~(gaps <= limit))
            how = f"{name} in batches of {size}" + (f", threads: {threads}" if threads else "")
            culprits += [(rows[i], how) for i in bad[:1]]
        differences[name] = worst
        wrong += [name] if not worst <= limit else []
    largest = BATCH_SIZES[-1]
    outputs = {
        name: unpacked(arrays, name, largest)[: len(trial.samples)] for name in trial.outputs
    }
    agrees = signature.agrees(trial.outputs, outputs)
    culprits += [(int(i), "its answer differs") for i in np.flatnonzero(~agrees)[:1]]
    score = _score(signature, outputs, trial)
    row, how = min(culprits, key=lambda culprit: culprit[0], default=(-1, ""))
    return Comparison(differences, float(agrees.mean()), score, row, how, tuple(wrong))


def _gaps(
    trial: Trial,
    arrays: dict[str, np.ndarray],
    name: str,
    size: int,
    threads: int,
    subject: Subject,
) -> tuple[np.ndarray, list[int]]:
    """The largest difference per row of one output at one batch size; NaN counts as infinite."""
    rows = batch_indexes(len(trial.samples), size)
    wanted = [trial.outputs[name][row] for row in rows]
    found = unpacked(arrays, name, size, threads)
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


def _lengths(about: Mapping[str, Any], trial: Trial) -> dict[str, list[int]]:
    """Every length but the batch that may change, with the values that the batches bring along."""
    found: dict[str, set[int]] = {}
    for array in about.get("arrays", ()):
        for axis, name in enumerate(array["shape"]):
            if isinstance(name, str) and name != "batch":
                # Counted from the end: a row of a text has no batch axis, one of words has.
                sizes = [row[array["name"]].shape[axis - len(array["shape"])] for row in trial.rows]
                for size in BATCH_SIZES:
                    order = [sizes[i] for i in batch_indexes(len(sizes), size)]
                    parts = range(0, len(order), size)
                    found.setdefault(name, set()).update(max(order[i : i + size]) for i in parts)
    return {name: sorted(values) for name, values in found.items()}


def _checked_manifest(folder: Path, subject: Subject, trial: Trial) -> dict[str, Any]:
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
        why = f"Its {wrong[0]} differs from the model's."
        sample, stage = "", POST_PROCESS if wrong[0] in ("labels", "output") else ""
        if wrong[0] == "preprocessing":
            sample, stage = stages.of_definition(subject, trial, manifest["preprocessing"])
        why += f" First sample that differs: '{sample}'." if sample else ""
        why += f" First stage that differs: {stage}." if stage else ""
        raise _refused(subject, "The manifest", why)
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
    stage: str,
) -> str:
    """The sentence with the numbers, and the first sample and stage that differ."""
    row, labels = found.culprit, subject.built.classes
    given = {name: unpacked(arrays, name, BATCH_SIZES[-1]) for name in trial.outputs}
    model, export = (signature.answer(o, row, labels) for o in (trial.outputs, given))
    limits = signature.tolerance(trial.outputs)
    gaps = ", ".join(
        f"{k} {v:.2g} (tolerance {limits[k]:.2g})" for k, v in found.differences.items()
    )
    text = (
        f"First sample that differs: '{trial.samples[row].id}' ({found.how}): {model} by the "
        f"model, {export} by the export. First stage that differs: {stage}. Largest difference: {gaps}. "
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
