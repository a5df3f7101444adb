# SPDX-License-Identifier: BSD-3-Clause
"""`serve`: whatever can answer, behind an address; what has no artifact yet is exported first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.workbench.standing import latest

if TYPE_CHECKING:
    from lepton_lab.exporting import Artifact
    from lepton_lab.serving import Serving


def serve(model: Any = None, *, port: int = 0, **options: Any) -> Serving:
    """Answer over HTTP from a process of its own, which ends with this one and is started again when it crashes.

    Args:
        model: An artifact or its path, a run, a model or a name; the latest artifact or run when left
            out. What has no artifact yet is exported first, behind the gate.
        port: On this machine; 0 takes a free one.
        **options: See `lepton_lab.serving.start`.

    Raises:
        LeptonError: The server's libraries are missing, or an option is unknown.
        ParityError: It had to be exported, and the export is not what the model is.
        StorageError: A file of the artifact was changed, or the port is taken.
    """
    return artifact_of(model).serve(port, **options)


def artifact_of(model: Any = None) -> Artifact:
    """The artifact that `model` is, has or becomes."""
    from lepton_lab.exporting import Artifact, load_artifact
    from lepton_lab.exporting.artifact import SUFFIX
    from lepton_lab.runtime.predictor import MODEL
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.resolve import resolve_run
    from lepton_lab.workbench.shipping import export

    if model is None and latest.artifact is not None:
        model = latest.artifact
    if isinstance(model, Artifact):
        return model
    if isinstance(model, Path) or (isinstance(model, str) and model.endswith((SUFFIX, ".zip"))):
        return load_artifact(model)
    if model is None:
        model = resolve_run()
    if isinstance(model, Run):
        kept = [file.parent for file in model.path.glob(f"artifacts/*{SUFFIX}/{MODEL}")]
        kept = [folder for folder in kept if not folder.stem.endswith("-baseline")]
        newest = max(kept, key=_written, default=None)
        trained = max(map(_written, model.path.glob("checkpoints/*")), default=0.0)
        if newest is not None and _written(newest) >= trained:
            return load_artifact(newest)
    return export(model)


def _written(path: Path) -> float:
    return path.stat().st_mtime
