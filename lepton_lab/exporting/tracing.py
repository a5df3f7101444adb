# SPDX-License-Identifier: BSD-3-Clause
"""From a module to a traced graph: what the formats that are traced have in common.

The example of a graph is a batch of two. A tracer takes a length of one for a constant, whatever its
signature says afterwards.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError

if TYPE_CHECKING:
    import torch

    from lepton_lab.exporting.signature import Graph

_LOGGERS = ("torch.onnx", "torch.export", "torch", "onnxscript", "onnx_ir", "executorch")


def dynamic_shapes(graph: Graph, most: Mapping[str, int] | None = None) -> tuple[Any, ...]:
    """For each input, axis -> `torch.export.Dim`; one object per name.

    Args:
        graph: What is traced.
        most: The largest value of a length by name, where it has one.
    """
    import torch

    names = {name for axes in graph.dynamic.values() for name in axes.values()}
    limits = most or {}
    lengths = {name: torch.export.Dim(name, max=limits.get(name)) for name in sorted(names)}
    return tuple(
        {axis: lengths[name] for axis, name in graph.dynamic.get(key, {}).items()}
        for key in graph.example
    )


def trace(graph: Graph, most: Mapping[str, int] | None = None) -> torch.export.ExportedProgram:
    """The graph as `torch.export` sees it, without the names of local files that it puts into every node."""
    import torch

    program = torch.export.export(
        graph.module, tuple(graph.example.values()), dynamic_shapes=dynamic_shapes(graph, most)
    )
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)
    return program


def untraceable(name: str, form: str, error: Exception) -> LeptonError:
    """The three lines for a model that a tracer cannot take."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return LeptonError(
        f"'{name}' cannot be written as {form}.",
        f"The tracer stopped: {reason}",
        "model.export('safetensors')",
    )


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep the tracers' warnings and log lines out of the notebook."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
