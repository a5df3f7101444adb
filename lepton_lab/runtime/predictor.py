# SPDX-License-Identifier: BSD-3-Clause
"""Answers from an artifact: what users have goes in (a file, a text, a row), an answer comes out.

The model is an ONNX file. Its graph takes what the runtime prepares and holds everything behind that, so
that nothing of it can be forgotten in use.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .batches import batches
from .classes_output import Prediction
from .errors import BundleError
from .inputs import Row, preparer
from .manifest import check_files, read_manifest
from .outputs import Answer, output

__all__ = ["MODEL", "Prediction", "Predictor", "assets", "name_of", "versions"]

MODEL = "model.onnx"
ASSETS = "assets"


class Predictor:
    """The model of an artifact, ready to answer.

    Args:
        folder: The artifact.
        threads: That one answer is computed with; 0 leaves it to onnxruntime.

    Raises:
        BundleError: A file is missing or was changed, or there is no ONNX model.
    """

    def __init__(self, folder: str | os.PathLike[str], threads: int = 0) -> None:
        self.folder = Path(folder)
        self.manifest = read_manifest(folder)
        check_files(folder, self.manifest)
        if MODEL not in self.manifest["files"]:
            held = ", ".join(self.manifest.get("formats", ()))
            raise BundleError(f"the artifact has no {MODEL} (it holds: {held})")
        self.labels: tuple[str, ...] = tuple(self.manifest["labels"])
        self.session = _session(self.folder / MODEL, threads)
        self._names = [output.name for output in self.session.get_outputs()]
        self._inputs = [node.name for node in self.session.get_inputs()]
        self.preparer = preparer(self.manifest["preprocessing"], assets(self.folder, self.manifest))
        self.output = output(self.manifest["output"], self.labels)

    def prepare(self, source: Any) -> Row:
        """One input as named arrays without a batch axis: see `inputs.Preparer`."""
        return self.preparer.prepare(source)

    def compute(self, batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of the graph by name, for a collated batch."""
        values = self.session.run(self._names, {name: batch[name] for name in self._inputs})
        return dict(zip(self._names, values, strict=True))

    def outputs(self, rows: Sequence[Row]) -> list[dict[str, np.ndarray]]:
        """The outputs of prepared inputs, one by one."""
        return self.output.cut(self.compute(self.preparer.collate(rows)), rows)

    def predict(self, sources: Sequence[Any], top: int = 5, batch: int = 32) -> list[Any]:
        """Answers in the order of the inputs.

        Args:
            sources: What the artifact takes: for pictures bytes of a file, a path, a Pillow image or an array.
            top: Classes that a prediction lists when printed.
            batch: Inputs per pass; fewer where they are large.

        Raises:
            InputError: Names the input that cannot be used.
        """
        answers: list[Answer] = []
        for part in batches(((source, self.prepare(source)) for source in sources), batch):
            outputs = self.outputs([row for _, row in part])
            for (source, row), found in zip(part, outputs, strict=True):
                answers.append(_shown(self.output.answer(found, row, name_of(source)), top))
        return answers


def assets(folder: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """The files that the preprocessing names, by their name below `assets/`."""
    names = [name for name in manifest["files"] if name.startswith(f"{ASSETS}/")]
    return {name.removeprefix(f"{ASSETS}/"): (folder / name).read_bytes() for name in names}


def _shown(answer: Answer, top: int) -> Answer:
    if is_dataclass(answer) and hasattr(answer, "shown"):
        return replace(answer, shown=top)  # type: ignore[type-var]
    return answer


def name_of(source: Any) -> str:
    """The file name of a path; an empty string for everything else."""
    if isinstance(source, os.PathLike) or (isinstance(source, str) and _is_file(source)):
        return os.fsencode(Path(source).name).decode("utf-8", "replace")
    return ""


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def versions() -> Mapping[str, str]:
    """The versions of the libraries that the answers depend on."""
    import onnxruntime
    import PIL

    return {
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


def _session(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base class
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(f"cannot be loaded by onnxruntime ({reason})", path.name) from error
