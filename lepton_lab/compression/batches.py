# SPDX-License-Identifier: BSD-3-Clause
"""The proof of a graph whose answer depends a little on what else is in the batch.

A network that chooses its int8 ranges while it runs chooses them for the whole batch, padding and all. Its answers
in batches of different sizes are therefore not the same, and no export could make them so. What can be shown is
that a fresh process gives, for the very same batches, the very same answers; and how far the sizes lie apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab import durable
from lepton_lab.errors import ParityError
from lepton_lab.exporting.bundle import plain, seal
from lepton_lab.exporting.fresh import DoesNotRun, outputs_of
from lepton_lab.exporting.registered import formats
from lepton_lab.exporting.signatures import signatures
from lepton_lab.runtime.probe import BATCH_SIZES, batch_indexes, run, unpacked

if TYPE_CHECKING:
    from lepton_lab.exporting.signature import Signature
    from lepton_lab.exporting.subject import Subject
    from lepton_lab.exporting.trial import Trial
    from lepton_lab.runtime.inputs import Preparer
    from lepton_lab.runtime.outputs import Output

Compute = Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]
_GOLDEN_BATCH = 32


def depends_on_batch(
    trial: Trial, ready: Preparer, compute: Compute, signature: Signature
) -> bool:
    """Whether answers in smaller batches leave the tolerance of those in the largest."""
    limits = signature.tolerance(trial.outputs)
    gaps = spread(trial, ready, compute)
    return any(not gap <= limits[name] for name, gap in gaps.items() if name in limits)


def spread(trial: Trial, ready: Preparer, compute: Compute) -> dict[str, float]:
    """The largest difference of each output between the largest batches and the smaller ones."""
    found = dict.fromkeys(trial.outputs, 0.0)
    for size in BATCH_SIZES[:-1]:
        rows = batch_indexes(len(trial.samples), size)
        for name, values in run(ready, compute, trial.output.cut, trial.rows, size).items():
            pairs = zip(values, rows, strict=True)
            gaps = [_gap(value, trial.outputs[name][row]) for value, row in pairs]
            found[name] = max(found[name], *gaps)
    return found


def settle_golden(folder: Path, output: Output, ready: Preparer, compute: Compute) -> None:
    """Let the golden answers of a staged bundle be those that its own replay will get, batch by batch."""
    path = folder / "golden" / "expected.json"
    expected = durable.read_json(path)
    for start in range(0, len(expected["samples"]), _GOLDEN_BATCH):
        part = expected["samples"][start : start + _GOLDEN_BATCH]
        rows = [ready.prepare((path.parent / sample["file"]).read_bytes()) for sample in part]
        cut = output.cut(compute(ready.collate(rows)), rows)
        for sample, row, values in zip(part, rows, cut, strict=True):
            sample |= plain({"answer": str(output.answer(values, row)), **output.kept(values)})
    durable.write_json(path, expected)
    seal(folder)


def prove_by_batch(
    folder: Path, subject: Subject, trial: Trial, ready: Preparer, compute: Compute
) -> dict[str, Any]:
    """Compare a fresh process with the live graph, batch for batch; returns the certificate.

    Raises:
        ParityError: It prepares or answers otherwise, or does not run.
    """
    form, signature = formats.get("onnx"), signatures.get(subject.task)
    try:
        arrays = outputs_of(form, folder, subject, trial)
    except DoesNotRun as error:
        raise _refused(subject, str(error)) from error
    facts = json.loads(str(arrays["facts"]))
    if facts["frameworks"]:
        raise _refused(subject, f"It loads {', '.join(facts['frameworks'])}.")
    if list(arrays["labels"]) != list(subject.built.classes):
        raise _refused(subject, "It names the classes differently.")
    wrong = [s.id for i, s in enumerate(trial.samples) if arrays["inputs"][i] != trial.inputs[i]]
    if wrong:
        raise _refused(subject, f"It prepares '{wrong[0]}' in another way.")
    gaps = _same(subject, trial, arrays, ready, compute, signature.tolerance(trial.outputs))
    known = [i for i, sample in enumerate(trial.samples) if sample.target is not None]
    some = {name: [values[i] for i in known] for name, values in trial.outputs.items()}
    score = signature.score(some, [trial.samples[i].target for i in known])
    metric = asdict(score) if score.n else None
    section = {
        "agreement": 1.0,
        "largest_difference": gaps,
        "metric": {"before": metric, "after": metric} if metric else None,
        "milliseconds": {"prepare": facts["prepare_ms"], "compute": facts["compute_ms"]},
        "versions": facts["versions"],
    }
    found: dict[str, Any] = plain(
        {
            "passed": True,
            "samples": {"real": trial.real, "odd": trial.odd, "all": len(trial.samples)},
            "odd": [sample.id for sample in trial.samples[: trial.odd]],
            "batch_sizes": list(BATCH_SIZES),
            "tolerance": signature.tolerance(trial.outputs),
            "metric": metric,
            "between_batch_sizes": spread(trial, ready, compute),
            "formats": {form.name: section},
        }
    )
    return found


def _same(
    subject: Subject,
    trial: Trial,
    arrays: Mapping[str, np.ndarray],
    ready: Preparer,
    compute: Compute,
    limits: Mapping[str, float],
) -> dict[str, float]:
    """The largest difference of each output over the same batches; raises where it leaves the tolerance."""
    found = dict.fromkeys(limits, 0.0)
    for size in BATCH_SIZES:
        wanted = run(ready, compute, trial.output.cut, trial.rows, size)
        for name, limit in limits.items():
            given = unpacked(arrays, name, size)
            if len(given) != len(wanted[name]):
                raise _refused(subject, f"Its output '{name}' has {len(given)} answers, not {len(wanted[name])}.")
            gaps = [_gap(a, b) for a, b in zip(given, wanted[name], strict=True)]
            found[name] = max(found[name], *gaps)
            if not found[name] <= limit:
                raise _refused(subject, f"In batches of {size} '{name}' differs by {found[name]:.2g} (tolerance {limit:.2g}).")
    return found


def _gap(found: np.ndarray, wanted: np.ndarray) -> float:
    if found.shape != wanted.shape:
        return float("inf")
    gap = float(np.abs(found.astype(np.float64) - wanted).max(initial=0.0))
    return float("inf") if np.isnan(gap) else gap


def _refused(subject: Subject, why: str) -> ParityError:
    what = f"The ONNX file of '{subject.name}' does not answer elsewhere as it does here; nothing was written."
    return ParityError(what, why, "lab.compress(run, quantize='weights-int8')")
