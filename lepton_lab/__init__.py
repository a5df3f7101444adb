# SPDX-License-Identifier: BSD-3-Clause
"""From a pretrained model to an artifact proven right, without leaving the notebook.

    import lepton_lab as lab
    model = lab.load_model("lepton_glyphs")
    run = model.train(lab.data("digits"), epochs=3)
    model.evaluate(); model.export("onnx", to="digits.lepton")

Every public name is loaded when it is first used (PEP 562), so that the import costs milliseconds and
brings in no framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "Artifact": "lepton_lab.exporting",
    "Dataset": "lepton_lab.datasets",
    "Evaluation": "lepton_lab.evaluation",
    "ImageDataset": "lepton_lab.datasets",
    "LeptonError": "lepton_lab.errors",
    "LeptonModel": "lepton_lab.workbench",
    "Run": "lepton_lab.workbench",
    "Studio": "lepton_lab.studio",
    "bench": "lepton_lab.workbench",
    "clean": "lepton_lab.workbench",
    "compare": "lepton_lab.workbench",
    "compress": "lepton_lab.workbench",
    "cross_validate": "lepton_lab.workbench",
    "data": "lepton_lab.workbench",
    "doctor": "lepton_lab.workbench",
    "evaluate": "lepton_lab.workbench",
    "export": "lepton_lab.workbench",
    "find_learning_rate": "lepton_lab.workbench",
    "load_artifact": "lepton_lab.exporting",
    "load_model": "lepton_lab.workbench",
    "models": "lepton_lab.catalog",
    "predict": "lepton_lab.workbench",
    "preprocess_image": "lepton_lab.workbench",
    "reproduce": "lepton_lab.workbench",
    "restore": "lepton_lab.workbench",
    "resume": "lepton_lab.workbench",
    "run": "lepton_lab.workbench",
    "runs": "lepton_lab.workbench",
    "serve": "lepton_lab.workbench",
    "train": "lepton_lab.workbench",
}
__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension", *_PUBLIC]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lepton_lab' has no attribute '{name}'")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext lepton_lab`: add the `%lepton` magic and its completion."""
    from lepton_lab.magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext lepton_lab`: take both away again."""
    from lepton_lab.magics import unload

    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where `jupyter labextension develop` finds the built extension."""
    return [{"src": "labextension", "dest": "lepton-lab"}]


if TYPE_CHECKING:
    from lepton_lab.catalog import models as models
    from lepton_lab.datasets import Dataset as Dataset
    from lepton_lab.datasets import ImageDataset as ImageDataset
    from lepton_lab.errors import LeptonError as LeptonError
    from lepton_lab.evaluation import Evaluation as Evaluation
    from lepton_lab.exporting import Artifact as Artifact
    from lepton_lab.exporting import load_artifact as load_artifact
    from lepton_lab.studio import Studio as Studio
    from lepton_lab.workbench import LeptonModel as LeptonModel
    from lepton_lab.workbench import Run as Run
    from lepton_lab.workbench import bench as bench
    from lepton_lab.workbench import clean as clean
    from lepton_lab.workbench import compare as compare
    from lepton_lab.workbench import compress as compress
    from lepton_lab.workbench import cross_validate as cross_validate
    from lepton_lab.workbench import data as data
    from lepton_lab.workbench import doctor as doctor
    from lepton_lab.workbench import evaluate as evaluate
    from lepton_lab.workbench import export as export
    from lepton_lab.workbench import find_learning_rate as find_learning_rate
    from lepton_lab.workbench import load_model as load_model
    from lepton_lab.workbench import predict as predict
    from lepton_lab.workbench import preprocess_image as preprocess_image
    from lepton_lab.workbench import reproduce as reproduce
    from lepton_lab.workbench import restore as restore
    from lepton_lab.workbench import resume as resume
    from lepton_lab.workbench import run as run
    from lepton_lab.workbench import runs as runs
    from lepton_lab.workbench import serve as serve
    from lepton_lab.workbench import train as train
