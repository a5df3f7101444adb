# SPDX-License-Identifier: BSD-3-Clause
"""The public Python API: what a cell, a magic, a script and a widget all call.

`LeptonModel` and `Run` are the two things that a user holds; the functions are their shortest forms. The names
are loaded when they are used, so that importing this package brings in no framework. No module here bears
the name of a public function: importing it would replace the function.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Bench": "standing",
    "Cleaning": "cleaning",
    "Comparison": "comparing",
    "Compression": "compressed",
    "CrossValidation": "folding",
    "ImageInput": "images",
    "LeptonModel": "model",
    "Prediction": "predictions",
    "Predictions": "predictions",
    "Run": "handle",
    "RunList": "listing",
    "bench": "standing",
    "branch": "going_on",
    "clean": "cleaning",
    "compare": "comparing",
    "compress": "compressing",
    "cross_validate": "folding",
    "data": "given",
    "doctor": "health",
    "evaluate": "judging",
    "export": "shipping",
    "find_learning_rate": "planning",
    "load_model": "loading",
    "predict": "predicting",
    "preprocess_image": "images",
    "reproduce": "going_on",
    "resolve_data": "resolve",
    "resolve_model": "resolve",
    "resolve_run": "resolve",
    "restore": "listing",
    "resume": "going_on",
    "run": "listing",
    "runs": "listing",
    "serve": "hosting",
    "train": "learning",
}
__all__ = sorted(_PUBLIC)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lepton_lab.workbench' has no attribute '{name}'")
    return getattr(importlib.import_module(f"lepton_lab.workbench.{_PUBLIC[name]}"), name)


if TYPE_CHECKING:
    from lepton_lab.workbench.cleaning import Cleaning as Cleaning
    from lepton_lab.workbench.cleaning import clean as clean
    from lepton_lab.workbench.comparing import Comparison as Comparison
    from lepton_lab.workbench.comparing import compare as compare
    from lepton_lab.workbench.compressed import Compression as Compression
    from lepton_lab.workbench.compressing import compress as compress
    from lepton_lab.workbench.folding import CrossValidation as CrossValidation
    from lepton_lab.workbench.folding import cross_validate as cross_validate
    from lepton_lab.workbench.given import data as data
    from lepton_lab.workbench.going_on import branch as branch
    from lepton_lab.workbench.going_on import reproduce as reproduce
    from lepton_lab.workbench.going_on import resume as resume
    from lepton_lab.workbench.handle import Run as Run
    from lepton_lab.workbench.health import doctor as doctor
    from lepton_lab.workbench.hosting import serve as serve
    from lepton_lab.workbench.images import ImageInput as ImageInput
    from lepton_lab.workbench.images import preprocess_image as preprocess_image
    from lepton_lab.workbench.judging import evaluate as evaluate
    from lepton_lab.workbench.learning import train as train
    from lepton_lab.workbench.listing import RunList as RunList
    from lepton_lab.workbench.listing import restore as restore
    from lepton_lab.workbench.listing import run as run
    from lepton_lab.workbench.listing import runs as runs
    from lepton_lab.workbench.loading import load_model as load_model
    from lepton_lab.workbench.model import LeptonModel as LeptonModel
    from lepton_lab.workbench.planning import find_learning_rate as find_learning_rate
    from lepton_lab.workbench.predicting import predict as predict
    from lepton_lab.workbench.predictions import Prediction as Prediction
    from lepton_lab.workbench.predictions import Predictions as Predictions
    from lepton_lab.workbench.resolve import resolve_data as resolve_data
    from lepton_lab.workbench.resolve import resolve_model as resolve_model
    from lepton_lab.workbench.resolve import resolve_run as resolve_run
    from lepton_lab.workbench.shipping import export as export
    from lepton_lab.workbench.standing import Bench as Bench
    from lepton_lab.workbench.standing import bench as bench
