# SPDX-License-Identifier: BSD-3-Clause
"""The registry of file formats a model can be exported in: one file and one record per format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_lab.registry import Registry

if TYPE_CHECKING:
    from lepton_lab.exporting.signature import Signature
    from lepton_lab.exporting.subject import Subject


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: As written in `format=`.
        description: One line.
        write: Writes the model's files into a staged bundle and returns their names.
        probe: The command, without the interpreter, that runs a folder of samples through the files
            in a fresh process, started in the bundle, and writes all outputs to a file:
            (task, samples, output). See `lepton_lab.runtime.probe`.
        frameworks: Which of torch, timm, transformers and lepton_lab that process may load.
        requirements: What the files need to be used, as lines of a requirements file.
        usage: How the files are used, as a snippet for the model card.
    """

    name: str
    description: str
    write: Callable[[Subject, Signature, Path], list[str]]
    probe: Callable[[str, Path, Path], list[str]]
    frameworks: tuple[str, ...]
    requirements: tuple[str, ...]
    usage: str


formats: Registry[Format] = Registry("export format", "model.export('onnx')")
