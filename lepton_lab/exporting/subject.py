# SPDX-License-Identifier: BSD-3-Clause
"""What is exported: a model with the facts about it and real samples to prove it on.

The workbench builds a `Subject` from a model or a run. Exporters read it and never change it: the
live module keeps its mode, its device and its gradients, because everything works on a copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel


class ExportSample(NamedTuple):
    """One held-out sample.

    Attributes:
        id: Its name in the data set.
        data: The bytes of the original, as a user of the artifact would send them.
        target: Its encoded label; None where there is none.
    """

    id: str
    data: bytes
    target: Any


@dataclass(frozen=True)
class Subject:
    """A model to export.

    Attributes:
        built: Module, preprocessing, classes and catalogue entry.
        task: Name of the task.
        name: Name of the artifact; of the run, as a rule.
        provenance: JSON facts: "run", "data" (name, fingerprint), "recipe", "metrics", "licence",
            and whatever else the caller knows.
        samples: Up to about 200 held-out samples; with none, generated ones stand in and the
            certificate says so.
        trained: Whether the weights were trained (pretrained counts) and not drawn at random.
    """

    built: BuiltModel = field(repr=False)
    task: str
    name: str
    provenance: Mapping[str, Any] = field(default_factory=dict)
    samples: Sequence[ExportSample] = field(default=(), repr=False)
    trained: bool = True

    def module(self) -> torch.nn.Module:
        """A copy of the module on the CPU, in fp32 and evaluation mode, without gradients."""
        import copy

        module = copy.deepcopy(getattr(self.built.module, "_orig_mod", self.built.module))
        return module.cpu().float().eval().requires_grad_(False)
