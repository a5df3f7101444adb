# SPDX-License-Identifier: BSD-3-Clause
"""What exporters and the gate must know about a task, and all that they know.

One file per task in `signatures/` registers one `Signature`. Formats and the gate handle rows,
outputs by name and tolerances; only a signature knows that the rows are pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.registry import Registry

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.exporting.subject import ExportSample, Subject
    from lepton_lab.runtime.probe import Compute

# By name: one array per sample, whose shapes may differ.
Outputs = Mapping[str, list[np.ndarray]]


@dataclass(frozen=True)
class Graph:
    """A module that holds everything behind the runtime's preparation, ready to be traced.

    Attributes:
        module: Takes a collated batch of the runtime, one argument per input; returns a tuple of outputs.
        example: A batch of two, by the name of the input, in the order of the arguments.
        outputs: Names of the outputs.
        dynamic: Input -> axis -> name of a length that may change; the first axis is "batch".
    """

    module: torch.nn.Module
    example: Mapping[str, torch.Tensor]
    outputs: tuple[str, ...]
    dynamic: Mapping[str, Mapping[int, str]]


@dataclass(frozen=True)
class Score:
    """The headline metric with its 95 % interval over n samples."""

    name: str
    value: float
    low: float
    high: float
    n: int


def _every(name: str) -> bool:
    return True


@dataclass(frozen=True)
class Signature:
    """How one task is exported and compared.

    Attributes:
        name: Of the task.
        description: One line.
        interface: The manifest's "input" and "output", as JSON.
        graph: The module to trace, made from a copy of the trained one.
        compute: The model as PyTorch runs it: (module, preprocessing) to a function from a batch, as
            the runtime collates it, to outputs by name. It shares no code with `graph`.
        odd: Awkward inputs made from real ones: (kind, bytes of a file).
        stand_ins: Generated samples, for a subject that brings none.
        suffix: File suffix for the bytes of a sample.
        tolerance: The largest difference allowed for each output, given the model's own outputs.
        agrees: Whether two sets of outputs give the same answer, per row, up to ties.
        answer: An answer in words, for messages: (outputs, row, labels).
        score: The headline metric of outputs and targets (encoded labels), sample by sample.
        independent_check: What another library's preprocessing says against ours; empty when they
            agree or there is none to ask.
        requirements: What the runtime needs for this kind of input, as lines of a requirements file.
        carries: Which of the model's files an artifact needs, by name.
        golden: How far a golden answer may be off elsewhere, on the scale of the output's `gap`.
    """

    name: str
    description: str
    interface: Callable[[BuiltModel], dict[str, Any]]
    graph: Callable[[Subject], Graph]
    compute: Callable[[torch.nn.Module, Mapping[str, Any]], Compute]
    odd: Callable[[Sequence[bytes]], list[tuple[str, bytes]]]
    stand_ins: Callable[[], list[ExportSample]]
    suffix: Callable[[bytes], str]
    tolerance: Callable[[Outputs], dict[str, float]]
    agrees: Callable[[Outputs, Outputs], np.ndarray]
    answer: Callable[[Outputs, int, Sequence[str]], str]
    score: Callable[[Outputs, Sequence[Any]], Score]
    independent_check: Callable[[Subject, Sequence[bytes]], str]
    requirements: tuple[str, ...] = ()
    carries: Callable[[str], bool] = _every
    # Another JPEG decoder may differ by one pixel level of 255, which moves a probability by less.
    golden: float = 0.01


signatures: Registry[Signature] = Registry("export signature")
