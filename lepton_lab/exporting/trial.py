# SPDX-License-Identifier: BSD-3-Clause
"""The samples that an export is tried on, with the live model's answers to them.

Awkward inputs come first, then the real held-out samples. The answers are computed by PyTorch from
the original bytes, through the same preparation that evaluation uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lepton_lab.exporting.signatures import signatures
from lepton_lab.exporting.subject import ExportSample
from lepton_lab.runtime.errors import InputError
from lepton_lab.runtime.inputs import Preparer, Row, preparer
from lepton_lab.runtime.outputs import Output, output
from lepton_lab.runtime.probe import BATCH_SIZES, fingerprint, run

if TYPE_CHECKING:
    import numpy as np

    from lepton_lab.exporting.subject import Subject


@dataclass(frozen=True, repr=False)
class Trial:
    """Samples and the live model's outputs, sample by sample.

    Attributes:
        samples: Awkward ones (no target) first, then real or generated ones.
        odd: How many are awkward ones.
        real: How many are the caller's; 0 when generated ones stand in.
        rows: Each sample as the runtime prepares it.
        inputs: SHA-256 of each prepared row.
        outputs: By name, one array per sample.
        output: What takes outputs apart and reads them.
    """

    samples: tuple[ExportSample, ...]
    odd: int
    real: int
    rows: tuple[Row, ...]
    inputs: tuple[str, ...]
    outputs: dict[str, list[np.ndarray]]
    output: Output

    def of(self, index: int) -> dict[str, np.ndarray]:
        """The outputs of one sample."""
        return {name: values[index] for name, values in self.outputs.items()}


def make_trial(subject: Subject) -> Trial:
    """Choose the samples and run the live model on them; the live module is not touched.

    Samples that cannot be read are left out: the gate compares answers, and they have none.
    """
    signature, built = signatures.get(subject.task), subject.built
    ready = preparer(built.preprocessing, built.files)
    real = _readable([ExportSample(*sample) for sample in subject.samples], ready)
    shown = real or _readable(signature.stand_ins(), ready)
    odd = signature.odd([sample.data for sample, _ in shown])
    tried = _readable([ExportSample(kind, data, None) for kind, data in odd], ready) + shown
    rows = [row for _, row in tried]
    reads = output(signature.interface(built)["output"], built.classes)
    compute = signature.compute(subject.module(), built.preprocessing)
    found = run(ready, compute, reads.cut, rows, BATCH_SIZES[-1])
    return Trial(
        samples=tuple(sample for sample, _ in tried),
        odd=len(tried) - len(shown),
        real=len(real),
        rows=tuple(rows),
        inputs=tuple(fingerprint(row) for row in rows),
        outputs={name: values[: len(rows)] for name, values in found.items()},
        output=reads,
    )


def _readable(samples: list[ExportSample], ready: Preparer) -> list[tuple[ExportSample, Row]]:
    kept = []
    for sample in samples:
        try:
            kept.append((sample, ready.prepare(sample.data)))
        except InputError:
            continue
    return kept
