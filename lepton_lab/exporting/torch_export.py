# SPDX-License-Identifier: BSD-3-Clause
"""PyTorch's own format: one .pt2 file that runs with torch alone, without the code of the model.

The program is traced with a dynamic batch (and length, where there is one), from an example of two: one
that was traced with a batch of one takes no other, though its signature says so. Names of local files
are taken out, and so are the example inputs, which the format would keep as a pickle. What is left are
raw tensors and JSON. `program.py` lies beside it, runs it, and refuses a file that holds anything else
before `torch.export.load`, which trusts its file, sees it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_lab import durable
from lepton_lab.errors import LeptonError
from lepton_lab.exporting import program
from lepton_lab.exporting.contract import Format
from lepton_lab.exporting.tracing import quietly, trace, untraceable

if TYPE_CHECKING:
    from lepton_lab.exporting.signature import Graph, Signature
    from lepton_lab.exporting.subject import Subject

RUNNER = "program.py"


def write(subject: Subject, signature: Signature, folder: Path) -> list[str]:
    """Write `model.pt2`, and what runs it, into `folder`.

    Raises:
        LeptonError: The architecture cannot be traced, or its program holds what `program.py` refuses.
    """
    import torch

    graph = signature.graph(subject)
    path = folder / program.FILES["torch"]
    longest = subject.built.preprocessing.get("max_length")
    try:
        with quietly(), torch.no_grad():
            traced = trace(graph, {"length": int(longest)} if longest else None)
            traced.example_inputs = None
            traced._guards_code = []
            torch.export.save(traced, path)
    except Exception as error:  # the tracer's exceptions share no base class with each other
        path.unlink(missing_ok=True)
        raise untraceable(subject.name, "torch", error) from error
    try:
        program.check_program(path)
    except program.ProgramError as error:
        path.unlink()
        raise LeptonError(
            f"'{subject.name}' cannot be written as torch.", f"{error}.", "model.export('onnx')"
        ) from error
    return [path.name, *write_runner(graph, folder)]


def write_runner(graph: Graph, folder: Path) -> list[str]:
    """Put `program.py` and the names of inputs and outputs beside a program."""
    shutil.copyfile(program.__file__, folder / RUNNER)
    about = {"inputs": list(graph.example), "outputs": list(graph.outputs)}
    durable.write_text(folder / program.ABOUT, json.dumps(about) + "\n")
    return [RUNNER, program.ABOUT]


def _probe(task: str, samples: Path, output: Path) -> list[str]:
    return [RUNNER, "torch", "probe", str(samples), str(output)]


RECORD = Format(
    name="torch",
    description="One .pt2 file; runs with torch alone.",
    write=write,
    probe=_probe,
    frameworks=("torch",),
    requirements=("torch>=2.10",),
    usage="python program.py torch predict cat.jpg",
)
