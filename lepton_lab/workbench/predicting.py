# SPDX-License-Identifier: BSD-3-Clause
"""`predict`: from inputs to answers, with a model or with the module of a run at this moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lepton_lab.datasets.contents.pictures import thumbnail
from lepton_lab.errors import LeptonError
from lepton_lab.runtime.image import normalize, prepare
from lepton_lab.workbench.answering import answer_with
from lepton_lab.workbench.given import model_and_run
from lepton_lab.workbench.images import ImageInput, image_inputs
from lepton_lab.workbench.predictions import PICTURES, Prediction, Predictions

if TYPE_CHECKING:
    import torch

AT_ONCE = 64


class About(Protocol):
    """What must be known of a model to read its answers."""

    classes: Any
    preprocessing: Any
    files: Any


def predict(model: Any, inputs: Any, *, top: int = 5) -> Any:
    """Answers for inputs: labels with probabilities, spans, boxes, a mask, a number.

    Args:
        model: A model, a run or a name.
        inputs: What the model's task takes, one or a list of it, or a data set. For images: a path, glob or
            folder, bytes, a PIL image, a uint8 array, or a float tensor (N, C, H, W) that is already
            preprocessed. For text: a string. For a table's row: a dict.
        top: Classes to show for each.

    Returns:
        One answer for one input (for images a `Prediction`), a sequence of them for several.

    Raises:
        DataError: An input cannot be read.
    """
    model, _ = model_and_run(model)
    return predict_with(model.module, inputs, about=model.built, task=model.task, top=top)


def predict_with(
    module: torch.nn.Module, inputs: Any, *, about: About, task: str, top: int = 5
) -> Any:
    """Answers of a module in evaluation mode.

    Args:
        module: As its task calls it.
        inputs: What the task takes; for images also a float tensor that is already preprocessed.
        about: Classes, preprocessing and files of the model.
        task: What the model does.
        top: Classes to show for each.

    Raises:
        DataError: An input cannot be read.
        LeptonError: A tensor has another shape than the module takes.
    """
    if task == "image-classification":
        classes = tuple(about.classes)
        return _of_images(
            module, inputs, classes=classes, preprocessing=about.preprocessing, top=top
        )
    return answer_with(module, inputs, about=about, task=task, top=top)


def _of_images(
    module: torch.nn.Module,
    inputs: Any,
    *,
    classes: Sequence[str],
    preprocessing: Mapping[str, Any],
    top: int,
) -> Prediction | Predictions:
    import torch

    if isinstance(inputs, torch.Tensor) and inputs.is_floating_point():
        found = _probabilities(module, _checked(inputs, preprocessing))
        return _collect([f"input {i + 1}" for i in range(len(found))], found, [], classes, top)
    images = image_inputs(inputs)
    parts = []
    for start in range(0, len(images), AT_ONCE):
        some = images[start : start + AT_ONCE]
        pixels = np.stack([prepare(one.pixels, preprocessing) for one in some])
        parts.append(_probabilities(module, torch.from_numpy(normalize(pixels, preprocessing))))
    if not parts:
        return Predictions([])
    return _collect([one.name for one in images], np.concatenate(parts), images, classes, top)


def _checked(tensor: torch.Tensor, preprocessing: Mapping[str, Any]) -> torch.Tensor:
    step = preprocessing.get("crop") or preprocessing["resize"]
    expected = (preprocessing["channels"], *(int(n) for n in step["size"]))
    tensor = tensor[None] if tensor.ndim == 3 else tensor
    if tensor.ndim != 4 or tuple(tensor.shape[1:]) != expected:
        raise LeptonError(
            f"The model takes tensors of shape (N, {', '.join(map(str, expected))}); got {tuple(tensor.shape)}.",
            "A float tensor is taken as preprocessed; images may have any size.",
            "model.predict('photo.jpg')",
        )
    return tensor


def _probabilities(module: torch.nn.Module, tensor: torch.Tensor) -> np.ndarray:
    import torch

    training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            logits = module(tensor.to(next(module.parameters()).device))
            found: np.ndarray = logits.float().softmax(dim=1).cpu().numpy()
            return found
    finally:
        module.train(training)


def _collect(
    names: Sequence[str],
    found: np.ndarray,
    images: Sequence[ImageInput],
    classes: Sequence[str],
    top: int,
) -> Prediction | Predictions:
    shown = len(names) <= PICTURES and bool(images)
    pictures = [thumbnail(one.pixels, one.name) if shown else None for one in images]
    items = [
        Prediction(name, row, classes, top, picture=picture)
        for name, row, picture in zip(names, found, pictures or [None] * len(names), strict=True)
    ]
    return items[0] if len(items) == 1 else Predictions(items)
