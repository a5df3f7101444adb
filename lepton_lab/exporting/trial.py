# SPDX-License-Identifier: BSD-3-Clause
"""The samples that an export is tried on, with the live model's answers to them.

Awkward inputs come first, then the real held-out samples. The answers are computed by PyTorch from
the original bytes, through the same preparation that evaluation uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lepton_lab.exporting.signatures import signatures
from lepton_lab.exporting.subject import ExportSample
from lepton_lab.runtime.errors import ImageError
from lepton_lab.runtime.inputs import prepare_input
from lepton_lab.runtime.probe import BATCH_SIZES, fingerprint, run

if TYPE_CHECKING:
    from lepton_lab.exporting.subject import Subject

ODD = -1


@dataclass(frozen=True, repr=False)
class Trial:
    """Samples and the live model's outputs, row by row.

    Attributes:
        samples: Awkward ones (target -1) first, then real or generated ones.
        odd: How many are awkward ones.
        real: How many are the caller's; 0 when generated ones stand in.
        inputs: SHA-256 of each prepared row.
        outputs: By name, float32 (n, ...).
    """

    samples: tuple[ExportSample, ...]
    odd: int
    real: int
    inputs: tuple[str, ...]
    outputs: dict[str, np.ndarray]

    @property
    def targets(self) -> np.ndarray:
        """int64 (n,); -1 where there is no known class."""
        return np.array([sample.target for sample in self.samples], np.int64)


def make_trial(subject: Subject) -> Trial:
    """Choose the samples and run the live model on them; the live module is not touched.

    Samples that cannot be read are left out: the gate compares answers, and they have none.
    """
    signature = signatures.get(subject.task)
    rule = subject.built.preprocessing
    real = _readable([ExportSample(*sample) for sample in subject.samples], rule)
    shown = real or _readable(signature.stand_ins(), rule)
    odd = signature.odd([sample.data for sample, _ in shown])
    tried = _readable([ExportSample(kind, data, ODD) for kind, data in odd], rule) + shown
    rows = [row for _, row in tried]
    outputs = run(signature.compute(subject.module(), rule), rows, BATCH_SIZES[-1])
    return Trial(
        samples=tuple(sample for sample, _ in tried),
        odd=len(tried) - len(shown),
        real=len(real),
        inputs=tuple(fingerprint(row) for row in rows),
        outputs={name: values[: len(rows)] for name, values in outputs.items()},
    )


def _readable(
    samples: list[ExportSample], rule: dict[str, object]
) -> list[tuple[ExportSample, np.ndarray]]:
    kept = []
    for sample in samples:
        try:
            kept.append((sample, prepare_input(sample.data, rule)))
        except ImageError:
            continue
    return kept
