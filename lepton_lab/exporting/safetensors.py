# SPDX-License-Identifier: BSD-3-Clause
"""Safetensors: the weights with a config.json that timm or transformers load by themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_lab.exporting.contract import Format

if TYPE_CHECKING:
    from lepton_lab.exporting.signature import Signature
    from lepton_lab.exporting.subject import Subject


def write(subject: Subject, signature: Signature, folder: Path) -> list[str]:
    """Write weights and config into `folder`, in the format of the library the model came from."""
    import torch

    from lepton_lab.catalog import save_pretrained

    # Training may have left convolutions in channels-last order, which a safetensors file does not know.
    module: torch.nn.Module = subject.module().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    names: list[str] = save_pretrained(replace(subject.built, module=module), folder)
    return names


def _probe(task: str, samples: Path, output: Path) -> list[str]:
    return ["-m", "lepton_lab.exporting.replay", task, str(samples), str(output)]


RECORD = Format(
    name="safetensors",
    description="Weights and config that timm or transformers load by themselves.",
    write=write,
    probe=_probe,
    frameworks=("torch", "timm", "transformers", "lepton_lab"),
    requirements=("torch>=2.10", "timm>=1.0.20", "transformers>=5.5", "safetensors>=0.5"),
    usage="python -c \"import lepton_lab as lab; lab.load_model('.')\"",
)
