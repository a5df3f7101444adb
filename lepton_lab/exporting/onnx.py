# SPDX-License-Identifier: BSD-3-Clause
"""ONNX: one file that runs without PyTorch, in any batch size.

The graph is traced by `torch.export` with a dynamic batch (and length, where there is one) and holds
everything behind the runtime's preparation. Names of local files, which the tracer leaves in every node, are taken out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.exporting.contract import Format
from lepton_lab.exporting.tracing import dynamic_shapes, quietly, untraceable

if TYPE_CHECKING:
    from lepton_lab.exporting.signature import Graph, Signature
    from lepton_lab.exporting.subject import Subject

OPSET = 20
FILE = "model.onnx"
# A protocol buffer, and so a single ONNX file, ends at 2 GiB.
_SINGLE_FILE = (1 << 31) - (1 << 24)


def write(subject: Subject, signature: Signature, folder: Path) -> list[str]:
    """Write `model.onnx` into `folder`.

    Raises:
        LeptonError: The architecture cannot be traced.
    """
    graph = signature.graph(subject)
    program = _trace(graph, subject.name)
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()
    program.model.metadata_props.clear()
    size = sum(
        tensor.numel() * tensor.element_size() for tensor in graph.module.state_dict().values()
    )
    program.save(str(folder / FILE), external_data=size > _SINGLE_FILE)
    return sorted(path.name for path in folder.glob(f"{FILE}*"))


def _trace(graph: Graph, name: str) -> Any:
    import torch

    try:
        with quietly(), torch.no_grad():
            return torch.onnx.export(
                graph.module,
                tuple(graph.example.values()),
                dynamo=True,
                opset_version=OPSET,
                input_names=list(graph.example),
                output_names=list(graph.outputs),
                dynamic_shapes=dynamic_shapes(graph),
                verbose=False,
            )
    except Exception as error:  # the tracer's exceptions share no base class with each other
        raise untraceable(name, "ONNX", error) from error


def _probe(task: str, samples: Path, output: Path) -> list[str]:
    return ["-m", "lepton_runtime", "probe", str(samples), str(output)]


RECORD = Format(
    name="onnx",
    description="One ONNX file; runs with onnxruntime alone.",
    write=write,
    probe=_probe,
    frameworks=(),
    requirements=("onnxruntime>=1.20",),
    usage="python -m lepton_runtime predict cat.jpg",
)
