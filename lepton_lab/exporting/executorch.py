# SPDX-License-Identifier: BSD-3-Clause
"""ExecuTorch: one .pte file for phones and small devices, computed by XNNPACK.

The runtime of a device plans its memory once, so every length that may change has a largest value: 15
samples at once (the shape function of a convolution asks whether there are fewer than 16, and keeps the
answer), and for texts the longest that the model takes. `program.py` cuts larger batches. When a step of
the lowering narrows one of these ranges further, or fixes it, the export is refused: a program for one
batch size would pass for one that takes any.

XNNPACK computes in fp32, in another order than PyTorch. On networks of ten to fifty convolutions and on
encoders of texts its logits differ by 1e-7 to 1e-5, as those of ONNX Runtime do; so the tolerance of the
task holds here too and none is added.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab import durable
from lepton_lab.errors import LeptonError
from lepton_lab.exporting.contract import Format
from lepton_lab.exporting.program import FILES
from lepton_lab.exporting.torch_export import RUNNER, write_runner
from lepton_lab.exporting.tracing import quietly, trace, untraceable

if TYPE_CHECKING:
    from lepton_lab.exporting.signature import Graph, Signature
    from lepton_lab.exporting.subject import Subject

_BATCH = 15


def write(subject: Subject, signature: Signature, folder: Path) -> list[str]:
    """Write `model.pte`, and what runs it, into `folder`.

    Raises:
        LeptonError: The package is not installed, the architecture cannot be lowered, or not with a
            batch and a length that may change.
    """
    if find_spec("executorch") is None:
        raise LeptonError(
            f"'{subject.name}' cannot be written as executorch.",
            "The package executorch is not installed.",
            'pip install "lepton-lab[edge]"',
        )
    import torch

    graph = signature.graph(subject)
    most = {"batch": _BATCH, "length": int(subject.built.preprocessing.get("max_length", 0))}
    try:
        with quietly(), torch.no_grad():
            lowered = _lower(graph, most)
            narrowed = _narrowed(lowered.exported_program(), graph, most)
            data = b"" if narrowed else lowered.to_executorch().buffer
    except Exception as error:  # tracer, passes and partitioners share no base class of exceptions
        raise untraceable(subject.name, "executorch", error) from error
    if narrowed:
        raise LeptonError(
            f"'{subject.name}' cannot be written as executorch.",
            f"It would take no other {narrowed}; a program for one size is not written.",
            "model.export('onnx')",
        )
    name = FILES["executorch"]
    durable.write_bytes(folder / name, data)
    return [name, *write_runner(graph, folder)]


def _lower(graph: Graph, most: dict[str, int]) -> Any:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    return to_edge_transform_and_lower(trace(graph, most), partitioner=[XnnpackPartitioner()])


def _narrowed(program: Any, graph: Graph, most: dict[str, int]) -> str:
    """The first length that may not take its whole range any more, in words; empty when all may."""
    import torch

    values = {
        node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"
    }
    places = dict(zip(graph.example, program.graph_signature.user_inputs, strict=True))
    for key, axes in graph.dynamic.items():
        for axis, name in axes.items():
            size = values[places[key]].shape[axis]
            if not isinstance(size, torch.SymInt):
                return f"{name} than {int(size)}"
            lengths = program.range_constraints.get(size.node.expr)
            if lengths is None or lengths.lower > 2 or lengths.upper < most[name]:
                said = "some" if lengths is None else f"{lengths.lower} to {lengths.upper}"
                return f"{name} than {said}"
    return ""


def _probe(task: str, samples: Path, output: Path) -> list[str]:
    return [RUNNER, "executorch", "probe", str(samples), str(output)]


RECORD = Format(
    name="executorch",
    description="One .pte file for phones and small devices (XNNPACK).",
    write=write,
    probe=_probe,
    frameworks=("torch",),
    requirements=("executorch>=1.5",),
    usage="python program.py executorch predict cat.jpg",
)
