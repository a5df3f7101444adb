# SPDX-License-Identifier: BSD-3-Clause
"""The samples of a trial through a staged bundle, in a fresh process, as its users will run it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lepton_lab.exporting import stages
from lepton_lab.exporting.process import run_python

if TYPE_CHECKING:
    from lepton_lab.exporting.contract import Format
    from lepton_lab.exporting.subject import Subject
    from lepton_lab.exporting.trial import Trial


class DoesNotRun(Exception):
    """The process ended without answers; the text says why and, where that is known, at which stage."""


def outputs_of(
    form: Format, folder: Path, subject: Subject, trial: Trial
) -> dict[str, np.ndarray]:
    """What one format of a bundle makes of a trial's samples: see `runtime.probe.probe`.

    Raises:
        DoesNotRun: It cannot be loaded, or fails on a sample.
    """
    with tempfile.TemporaryDirectory(prefix="lepton-gate-") as scratch:
        samples, output = Path(scratch) / "samples", Path(scratch) / "outputs.npz"
        samples.mkdir()
        for number, (sample, key) in enumerate(zip(trial.samples, trial.inputs, strict=True)):
            (samples / f"{number:05d}-{key}").write_bytes(sample.data)
        done = run_python(form.probe(subject.task, samples, output), folder)
        if done.returncode != 0 or not output.is_file():
            said = done.stderr.strip() or done.stdout.strip() or "It stopped without a word."
            raise DoesNotRun(f"It does not run: {said.splitlines()[-1]}")
        with np.load(output, allow_pickle=False) as file:
            arrays = dict(file)
    if "failed" in arrays:
        failed, why = json.loads(str(arrays["failed"])), ""
        stage = failed["stage"]
        if not stage:
            sample = trial.samples[failed["sample"]]
            stage = stages.of_preparation(subject, sample, failed["done"])
            why = f" First sample that differs: '{sample.id}'."
        why += f" First stage that differs: {stage}." if stage else ""
        raise DoesNotRun(f"It does not run: {failed['reason'].rstrip('.')}.{why}")
    return arrays
