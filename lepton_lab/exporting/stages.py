# SPDX-License-Identifier: BSD-3-Clause
"""Where an export first goes another way than the model: the stage that a refusal names.

The steps of the preparation (decode, resize, crop, normalise; tokenize; resample, features; a column)
are compared by what they make of the sample that differs. When they are equal, what follows them in the
graph is to blame: its first values tell whether it normalises otherwise, its logits whether the model
computes otherwise or only what comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.runtime.errors import BundleError
from lepton_lab.runtime.image import normalize
from lepton_lab.runtime.inputs import preparer
from lepton_lab.runtime.probe import MODEL, POST_PROCESS, Print, stage_prints

if TYPE_CHECKING:
    from lepton_lab.exporting.subject import ExportSample, Subject
    from lepton_lab.exporting.trial import Trial

NORMALISE, RESIZE = "normalise", "resize"
_LOGITS = "logits"
# Far above rounding, also in fp16; another mean or deviation moves normalised pixels by tenths.
_NORMALISED = 0.02
# How far into a graph its normalised input is looked for.
_FIRST_NODES = 24

Prints = Sequence[Print]


def of_preparation(subject: Subject, sample: ExportSample, found: Prints) -> str:
    """The first step of a sample's preparation that made something else than the model's own; "" when none did.

    Args:
        subject: The live model.
        sample: The sample.
        found: `stage_prints` of it by the export.
    """
    built = subject.built
    return _first(stage_prints(preparer(built.preprocessing, built.files), sample.data), found)


def of_definition(subject: Subject, trial: Trial, rule: Mapping[str, Any]) -> tuple[str, str]:
    """The first sample, and the first stage of it, to which a manifest's preprocessing does something else.

    Returns:
        Id of the sample and name of the stage; two empty texts where the difference has no effect.
    """
    try:
        other = preparer(rule, subject.built.files)
        for sample in trial.samples:
            stage = of_preparation(subject, sample, stage_prints(other, sample.data))
            if stage:
                return sample.id, stage
    except (BundleError, ArithmeticError, LookupError, TypeError, ValueError):
        # A rule that cannot even be carried out: no step of it is done.
        ready = preparer(subject.built.preprocessing, subject.built.files)
        sample = trial.samples[0]
        return sample.id, stage_prints(ready, sample.data)[0][0]
    return "", ""


def of_outputs(
    form: str, folder: Path, subject: Subject, trial: Trial, row: int, wrong: Sequence[str]
) -> str:
    """The stage to blame when a sample was prepared alike and its outputs differ.

    Args:
        form: Name of the format.
        folder: The staged bundle.
        subject: The live model.
        trial: Its answers.
        row: The sample.
        wrong: Names of the outputs that differ; none when only the answer does.
    """
    if not wrong or (_LOGITS in trial.outputs and _LOGITS not in wrong):
        return POST_PROCESS
    rule = subject.built.preprocessing
    if rule.get("kind") != "image" or form not in _EARLY:
        return MODEL
    batch = trial.rows[row]["image"][None]
    wanted = normalize(batch, rule)
    early = [values for values in _EARLY[form](folder, batch) if values.size == wanted.size]
    layouts = (wanted, wanted.transpose(0, 2, 3, 1))
    if not early or any(_near(values, other) for values in early for other in layouts):
        return MODEL
    return NORMALISE


def _first(wanted: Prints, found: Prints) -> str:
    for number, (name, key, _) in enumerate(wanted):
        if number >= len(found) or found[number][1] != key:
            return _resized(wanted[number:], found[number:]) if name == RESIZE else name
    return ""


def _resized(wanted: Prints, found: Prints) -> str:
    """The step that resizes, with the sizes where they differ.

    A crop of the same size then keeps another share of the picture, which is what another `crop_pct` does;
    whether the picture was only scaled otherwise shows in its sides.
    """
    if not found or found[0][2][:2] == wanted[0][2][:2]:
        return RESIZE
    (height, width), (to_height, to_width) = wanted[0][2][:2], found[0][2][:2]
    sizes = f"{to_height} x {to_width} pixels instead of {height} x {width}"
    scaled = abs(height * to_width - width * to_height) < max(height, width, to_height, to_width)
    cropped = len(found) > 1 and found[1][2] == wanted[1][2]
    return f"{RESIZE} ({sizes}{', as by another crop_pct' if scaled and cropped else ''})"


def _near(found: np.ndarray, wanted: np.ndarray) -> bool:
    return found.shape == wanted.shape and bool(np.abs(found - wanted).max() <= _NORMALISED)


def _early_onnx(folder: Path, batch: np.ndarray) -> list[np.ndarray]:
    """What the first nodes of the graph make of a batch, as floats."""
    import onnx
    import onnxruntime

    model = onnx.load(folder / "model.onnx")
    nodes = list(model.graph.node)[:_FIRST_NODES]
    end = next((i for i, node in enumerate(nodes) if node.op_type in _WEIGHED), len(nodes))
    names = [name for node in nodes[:end] for name in node.output]
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    found = session.run(names, {session.get_inputs()[0].name: batch})
    return [values.astype(np.float32) for values in found if values.dtype.kind in "fu"]


def _early_torch(folder: Path, batch: np.ndarray) -> list[np.ndarray]:
    """What the first nodes of the program make of a batch, as floats."""
    import torch

    from lepton_lab.exporting.program import FILES, check_program

    path = folder / FILES["torch"]
    check_program(path)
    program = torch.export.load(path)
    found: list[np.ndarray] = []

    class Watch(torch.fx.Interpreter):
        def run_node(self, node: torch.fx.Node) -> Any:
            values = super().run_node(node)
            if isinstance(values, torch.Tensor) and node.op == "call_function":
                found.append(values.float().numpy())
            return values

    module = program.module(check_guards=False)
    with torch.no_grad():
        Watch(module).run(torch.from_numpy(batch))
    return found[:_FIRST_NODES]


_WEIGHED = ("Conv", "Gemm", "MatMul")
_EARLY: dict[str, Callable[[Path, np.ndarray], list[np.ndarray]]] = {
    "onnx": _early_onnx,
    "torch": _early_torch,
}
