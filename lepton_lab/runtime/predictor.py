# SPDX-License-Identifier: BSD-3-Clause
"""Answers from an artifact: bytes of an image in, labels and probabilities out.

The model is an ONNX file whose graph takes the resized pixels as uint8 and holds the normalization
and the softmax itself, so that nothing of it can be forgotten in use.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .errors import BundleError
from .inputs import prepare_input
from .manifest import check_files, read_manifest

MODEL = "model.onnx"


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer for one input.

    Attributes:
        name: Name of the input, empty for bytes and pixels.
        probabilities: float32 (classes,), summing to 1.
        classes: Class names in the order of the probabilities.
        shown: How many classes `str` lists.
    """

    name: str
    probabilities: np.ndarray
    classes: Sequence[str] = field(repr=False)
    shown: int = 5

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.classes[int(self.probabilities.argmax())]

    @property
    def probability(self) -> float:
        """The probability of `label`."""
        return float(self.probabilities.max())

    def top(self, n: int = 5) -> list[tuple[str, float]]:
        """The `n` most probable classes, best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:n]
        return [(self.classes[int(i)], float(self.probabilities[i])) for i in order]

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        best = ", ".join(f"{label} {share:.3f}" for label, share in self.top(self.shown))
        return f"{self.name}: {best}" if self.name else best


class Predictor:
    """The model of an artifact, ready to answer.

    Args:
        folder: The artifact.

    Raises:
        BundleError: A file is missing or was changed, or there is no ONNX model.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.manifest = read_manifest(folder)
        check_files(folder, self.manifest)
        if MODEL not in self.manifest["files"]:
            held = ", ".join(self.manifest.get("formats", ()))
            raise BundleError(f"the artifact has no {MODEL} (it holds: {held})")
        self.labels: tuple[str, ...] = tuple(self.manifest["labels"])
        self.session = _session(self.folder / MODEL)
        self._names = [output.name for output in self.session.get_outputs()]

    def prepare(self, source: Any) -> np.ndarray:
        """One input without the batch axis: uint8 (h, w, C) for an image."""
        return prepare_input(source, self.manifest["preprocessing"])

    def compute(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs of the graph by name, for prepared inputs (N, ...)."""
        values = self.session.run(self._names, {self.session.get_inputs()[0].name: batch})
        return dict(zip(self._names, values, strict=True))

    def predict(self, sources: Sequence[Any], top: int = 5, batch: int = 32) -> list[Prediction]:
        """Answers in the order of the inputs.

        Args:
            sources: Each the bytes of a file, a path, a Pillow image or an array of pixels.
            top: Classes that a prediction lists when printed.
            batch: Inputs per pass.

        Raises:
            ImageError: Names the input that cannot be used.
        """
        answers: list[Prediction] = []
        for start in range(0, len(sources), batch):
            part = sources[start : start + batch]
            outputs = self.compute(np.stack([self.prepare(source) for source in part]))
            rows = zip(part, outputs["probabilities"], strict=True)
            answers += [Prediction(name_of(source), row, self.labels, top) for source, row in rows]
        return answers


def name_of(source: Any) -> str:
    """The file name of a path; an empty string for everything else."""
    if isinstance(source, (str, os.PathLike)):
        return os.fsencode(Path(source).name).decode("utf-8", "replace")
    return ""


def versions() -> Mapping[str, str]:
    """The versions of the libraries that the answers depend on."""
    import onnxruntime
    import PIL

    return {
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base class
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(f"cannot be loaded by onnxruntime ({reason})", path.name) from error
