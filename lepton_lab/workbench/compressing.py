# SPDX-License-Identifier: BSD-3-Clause
"""`lab.compress`: make smaller forms of a model, measure each, choose the smallest that is shown to be good enough.

Whether fewer bits pay depends on the model and on this machine, so nothing is assumed: every candidate runs on the
same held-out samples, in turns with the original.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.errors import LeptonError
from lepton_lab.workbench import descendants
from lepton_lab.workbench.compressed import Candidate, Compression
from lepton_lab.workbench.given import model_and_run
from lepton_lab.workbench.held_out import chosen_split
from lepton_lab.workbench.resolve import resolve_data
from lepton_lab.workbench.standing import latest

if TYPE_CHECKING:
    from lepton_lab.compression.contract import Batches
    from lepton_lab.compression.measure import HeldOut
    from lepton_lab.datasets import Dataset
    from lepton_lab.exporting import Artifact
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.model import LeptonModel

CALIBRATION = 96
_BATCH = 8
# Sizes that lie so near to each other are the same.
_ALIKE = 1.01


def compress(
    model: Any = None,
    data: Any = None,
    *,
    quantize: str | Sequence[str] = "",
    prune: float = 0.0,
    distill_to: str | LeptonModel = "",
    max_drop: float = 0.01,
    epochs: int = 0,
    view: str = "auto",
) -> Compression:
    """Make smaller forms of a trained model and choose the smallest that is good enough.

    With no method named, all of `quantize` are tried. The metric of a candidate may drop by at most `max_drop`, by
    the bad end of the 95 % interval of the paired difference; so few samples can show nothing. The chosen one
    becomes a run of its own, whose parent is the original, with an artifact.

    Args:
        model: A model, a run or a name; the latest run when left out.
        data: The data set; the run's own when left out.
        quantize: "int8", "fp16", "weights-int8", several of them as a list or with commas.
        prune: Share of the channels to take out, above 0 and below 1; a short training follows.
        distill_to: A smaller model or its name in the catalogue, which is taught by this one.
        max_drop: How far the headline metric may drop.
        epochs: Of the training after pruning (3 when left out) and of the student (as the original).
        view: Name of the live view of these trainings.

    Raises:
        LeptonError: A method does not exist, cannot be used with this model, or there are no samples.
        StorageError: The disk is full; what was there stays as it was.
    """
    wanted = _wanted(quantize, prune, distill_to, max_drop)
    left_out = model is None
    model, run = model_and_run(model)
    if model.built.config.get("source") == "graph" and left_out and run is not None:
        # The latest run is then what the last call of this has chosen; its original is what is meant.
        model, run = model_and_run(run.record["parent"]["run"])
    if model.built.config.get("source") == "graph":
        raise LeptonError(
            f"'{model.name}' is in {model.built.config['method']} already.",
            "A quantized graph has no weights that could be made smaller once more.",
            f"lab.compress({run.record['parent']['run']!r})" if run is not None else "",
        )
    dataset = _dataset(data, run)
    split, notes = chosen_split(dataset, None, run)
    forms = [model]
    if prune:
        forms.append(descendants.pruned(model, dataset, prune, epochs, view).model)
    if distill_to:
        forms.append(descendants.distilled(model, dataset, distill_to, epochs, view).model)
    for form in forms[1:]:
        form.export("onnx")
    names = ["original", *([f"prune {prune:g}"] if prune else [])]
    names += [f"distil {forms[-1].entry.name.split('/')[-1]}"] if distill_to else []
    with tempfile.TemporaryDirectory(prefix="lepton-compress-") as scratch:
        found: list[Candidate] = []
        for number, (name, form) in enumerate(zip(names, forms, strict=True)):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            found += _candidates(form, name, dataset, wanted, folder, refuse=len(names) == 1)
        _measure_all(found, model, split, max_drop)
        facts = {"name": model.name, "split": split.name, "samples": found[0].measured.score.n if found[0].measured else 0}
        chosen, made, artifact = _choose(found, dataset, split, facts)
    for one in found:
        one.path = None
    result = Compression(model.name, tuple(found), chosen, made, artifact, max_drop, f"{split.name} of {dataset.name}", tuple(notes))
    latest.run = made or run or latest.run  # not the last one that was tried
    latest.artifact = artifact or latest.artifact
    return result


def _wanted(
    quantize: str | Sequence[str], prune: float, distill_to: Any, max_drop: float
) -> tuple[str, ...]:
    """The quantizers to use; raises LeptonError where an option makes no sense."""
    from lepton_lab.compression.registered import QUANTIZERS, methods

    words = quantize.split(",") if isinstance(quantize, str) else list(quantize)
    names = tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
    for name in names:
        if methods.get(name).rewrite is None:
            raise LeptonError(f"{name} is no way to quantize.", f"There are: {', '.join(QUANTIZERS)}.", f"quantize='{QUANTIZERS[0]}'")
    if not 0.0 <= prune < 1.0:
        raise LeptonError(f"prune={prune:g} is no share of channels.", "It lies above 0 and below 1.", "prune=0.5")
    if not 0.0 <= max_drop <= 1.0:
        raise LeptonError(f"max_drop={max_drop:g} is no drop of a metric.", "It lies between 0 and 1.", "max_drop=0.01")
    return names or (() if prune or distill_to else QUANTIZERS)


def _dataset(data: Any, run: Run | None) -> Dataset:
    if data is None and run is not None:
        return run.data
    return resolve_data(data)


def _candidates(
    model: LeptonModel, name: str, data: Dataset, wanted: Sequence[str], folder: Path, refuse: bool
) -> list[Candidate]:
    """The ONNX file of a model and its quantized forms; what cannot be made says why.

    Args:
        model: The original, or a pruned or distilled one.
        name: How the table calls it.
        data: Calibrates on its training split.
        wanted: Names of quantizers.
        folder: Where the files go.
        refuse: Raise the reason when the only method asked for cannot be used.
    """
    from lepton_lab.compression.registered import methods

    base = _graph(model, folder)
    found = [Candidate(name, model=model, run=model.run if name != "original" else None, path=base)]
    samples = _calibration(model, data) if wanted else []
    for method in wanted:
        one = Candidate(method if name == "original" else f"{name} + {method}", model=model, method=method)
        found.append(one)
        try:
            rewrite = methods.get(method).rewrite
            assert rewrite is not None
            rewrite(base, samples, folder / f"{method}.onnx")
            one.path = folder / f"{method}.onnx"
        except LeptonError as error:
            if refuse and len(wanted) == 1:
                raise
            one.verdict = f"refused: {error.what} {error.why}"
    return found


def _graph(model: LeptonModel, folder: Path) -> Path:
    """The ONNX file of a model: of its run's artifact, which was proven to be this model, or written anew."""
    from lepton_lab.exporting import load_artifact, onnx
    from lepton_lab.exporting.signatures import signatures
    from lepton_lab.exporting.subject import Subject

    if model.run is not None:
        with contextlib.suppress(LeptonError):
            own = load_artifact(model.run.path / "artifacts" / f"{model.run.name}.lepton")
            known = own.manifest["provenance"]
            same = (known.get("run"), known.get("steps")) == (model.run.name, model.run.record["step"])
            if same and onnx.FILE in own.manifest["files"] and _whole(own.path, own.manifest):
                return own.path / onnx.FILE
    onnx.write(Subject(model.built, model.task, model.name), signatures.get(model.task), folder)
    if list(folder.glob(f"{onnx.FILE}.data")):
        raise LeptonError(
            f"'{model.name}' is too large to be compressed here.",
            "A single ONNX file ends at 2 GiB, and its weights lie in a second one.",
            "lab.compress(run, distill_to=MODEL)",
        )
    return folder / onnx.FILE


def _whole(folder: Path, manifest: dict[str, Any]) -> bool:
    """Whether every file of an artifact is what was written."""
    from lepton_lab.runtime.errors import BundleError
    from lepton_lab.runtime.manifest import check_files

    try:
        return check_files(folder, manifest) > 0
    except BundleError:
        return False


def _calibration(model: LeptonModel, data: Dataset) -> Batches:
    """Batches of training samples, evenly chosen, prepared as the artifact will."""
    from lepton_lab.runtime.errors import InputError
    from lepton_lab.runtime.inputs import preparer

    ready, split, rows = preparer(model.built.preprocessing, model.built.files), data.train, []
    chosen = np.linspace(0, len(split) - 1, min(CALIBRATION, len(split))).round().astype(int)
    for i in map(int, np.unique(chosen)):
        try:
            rows.append(ready.prepare(split.read_bytes(i)))
        except InputError:
            continue
    if not rows:
        raise LeptonError("There is no training sample to calibrate on.", f"None of '{data.name}' could be read.", "%lepton data")
    return [ready.collate(rows[i : i + _BATCH]) for i in range(0, len(rows), _BATCH)]


def _measure_all(found: list[Candidate], model: LeptonModel, split: Any, max_drop: float) -> None:
    from lepton_lab.compression.measure import held_out, measure, verdict
    from lepton_lab.exporting.signatures import signatures
    from lepton_lab.runtime.inputs import preparer
    from lepton_lab.runtime.outputs import output

    reads = output(signatures.get(model.task).interface(model.built)["output"], tuple(model.built.classes))
    original, reference = found[0], None
    prepared: dict[int, HeldOut] = {}
    assert original.path is not None
    for one in found:
        if one.path is None or one.model is None:
            continue
        built = one.model.built
        if id(built) not in prepared:  # a student may prepare its samples in its own way
            prepared[id(built)] = held_out(split, model.task, preparer(built.preprocessing, built.files), reads)
        base = original.path if built is model.built else None
        one.measured = measure(one.path, base or original.path, prepared[id(built)], reference, prepared[id(model.built)])
        if reference is None:
            reference, one.verdict = one.measured.outputs, "the original"
            continue
        one.fits, one.verdict = verdict(one.measured, max_drop)
        if one.fits and one.size >= original.size:
            one.fits, one.verdict = False, "not smaller"


def _choose(
    found: list[Candidate], data: Dataset, split: Any, facts: dict[str, Any]
) -> tuple[Candidate | None, Run | None, Artifact | None]:
    """The smallest candidate that fits and passes the gate, as a run with its artifact; of equals the fastest."""
    from lepton_lab.exporting import load_artifact

    left = [one for one in found if one.fits]
    while left:
        smallest = min(one.size for one in left)
        one = min((one for one in left if one.size <= _ALIKE * smallest), key=lambda one: one.ratio)
        left.remove(one)
        assert one.model is not None and one.measured is not None
        change = one.measured.difference
        about = {**facts, "agreement": one.agreement, "difference": asdict(change) if change else None}
        try:
            if one.method:
                run, artifact = descendants.rewritten(one.model, data, one, split, about)
            else:
                assert one.run is not None and one.path is not None
                run, artifact = one.run, load_artifact(one.path.parent)
        except LeptonError as error:
            one.fits, one.verdict = False, f"refused by the gate: {error.why}"
            continue
        one.verdict, one.run = "chosen", run
        return one, run, artifact
    return None, None, None
