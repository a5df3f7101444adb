# SPDX-License-Identifier: BSD-3-Clause
"""The fresh process in which exported weights prove that they load.

It runs inside the exported folder and knows nothing of the live model: timm or transformers
rebuild it from the folder alone, through the catalogue, and every output is written for the gate.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lepton_lab.runtime import outputs
from lepton_lab.runtime.inputs import preparer
from lepton_lab.runtime.predictor import versions
from lepton_lab.runtime.probe import Compute, probe


def main(task: str, samples: str, output: str) -> None:
    """Load the current folder as a user would, run the files in `samples`, write the arrays."""
    import torch

    from lepton_lab.exporting.signatures import signatures
    from lepton_lab.spec import ModelSpec
    from lepton_lab.tasks import tasks

    built = tasks.get(task).build(ModelSpec(name=str(Path.cwd())), None, 0)
    signature, rule = signatures.get(task), built.preprocessing
    compute = signature.compute(built.module.eval(), rule)
    found: dict[str, Any] = probe(
        preparer(rule, built.files),
        lambda threads: _with(threads, compute),
        outputs.output(signature.interface(built)["output"], built.classes),
        built.classes,
        Path(samples),
        {**versions(), "torch": torch.__version__},
    )
    np.savez(output, **found)


def _with(threads: int, compute: Compute) -> Compute:
    """The same function, computed by a number of threads; 0 leaves it to PyTorch."""
    import torch

    def threaded(batch: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        before = torch.get_num_threads()
        torch.set_num_threads(threads or before)
        try:
            return compute(batch)
        finally:
            torch.set_num_threads(before)

    return threaded


if __name__ == "__main__":
    main(*sys.argv[1:4])
