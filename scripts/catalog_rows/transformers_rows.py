# SPDX-License-Identifier: BSD-3-Clause
"""Rows of the index for transformers: its own list of image classifiers, and well-known checkpoints of them.

A checkpoint is a row of `CHECKPOINTS`: the fields in which its configuration differs from the defaults of
its model type, from which its parameters are counted. A model type whose preprocessing cannot be said as
data, or that this installation cannot build, is left out and named, with the reason, by `left_out`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scripts.catalog_rows.checkpoints import CHECKPOINTS, Checkpoint


def rows() -> Iterator[dict[str, Any]]:
    """Checkpoints by repository, then every model type that can be trained from random weights."""
    for checkpoint in sorted(CHECKPOINTS, key=lambda c: c.hub_id):
        yield _checkpoint_row(checkpoint)
    for model_type in model_types():
        if not problem(model_type):
            yield _type_row(model_type)


def left_out() -> dict[str, str]:
    """Model type -> why it has no row."""
    return {kind: why for kind in model_types() if (why := problem(kind))}


def model_types() -> list[str]:
    """The model types that transformers maps to an image classifier."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

    return sorted(MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES)


def problem(model_type: str) -> str:
    """Why a model type cannot be trained here; empty when it can."""
    import torch

    from lepton_lab.errors import LeptonError

    if model_type in _UNFIT:
        return _UNFIT[model_type]
    try:
        module, preprocessing = _bare(model_type)
        height, width = (
            preprocessing["crop"]["size"]
            if preprocessing["crop"]
            else preprocessing["resize"]["size"]
        )
        with torch.no_grad():
            module(torch.zeros(2, 3, height, width, device="meta"))
    except (LeptonError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        return str(error).strip().split("\n")[0]
    return ""


def _bare(model_type: str) -> tuple[Any, dict[str, Any]]:
    """The default configuration's module on the meta device, and its preprocessing."""
    import torch

    from lepton_lab.catalog import transformers_models as models
    from lepton_lab.catalog.entry import ModelEntry
    from lepton_lab.catalog.logits import Logits
    from lepton_lab.catalog.processors import from_processor
    from lepton_lab.spec import ModelSpec

    entry = ModelEntry(name=model_type, source="transformers", family=model_type, num_classes=1000)
    raw, processor = models.bare_files(entry)
    record = models.record(entry.name, raw, processor, ModelSpec(name=model_type))
    with torch.device("meta"):
        model = models.create(record["config"]).eval()
    return Logits(model), from_processor(record["processor"])


def _type_row(model_type: str) -> dict[str, Any]:
    module, preprocessing = _bare(model_type)
    step = preprocessing["crop"] or preprocessing["resize"]
    return _row(
        name=f"transformers/{model_type}",
        family=model_type,
        params=sum(parameter.numel() for parameter in module.parameters()),
        input_size=[3, *step["size"]],
        mean=preprocessing["mean"],
        std=preprocessing["std"],
        interpolation=preprocessing["resize"]["interpolation"],
        crop_pct=round(step["size"][0] / preprocessing["resize"]["size"][0], 4),
        crop_mode="squash" if preprocessing["resize"]["mode"] == "exact" else "center",
        num_classes=1000,
    )


def _checkpoint_row(checkpoint: Checkpoint) -> dict[str, Any]:
    import torch
    from transformers import CONFIG_MAPPING

    from lepton_lab.catalog import transformers_models as models

    labels = {str(i): str(i) for i in range(checkpoint.num_classes)}
    raw = {"model_type": checkpoint.model_type, **checkpoint.config, "id2label": labels}
    known = CONFIG_MAPPING[checkpoint.model_type]
    assert not set(checkpoint.config) - set(known().to_dict()) - {"architectures"}, checkpoint
    params = 0
    if checkpoint.counted:
        with torch.device("meta"):
            params = sum(parameter.numel() for parameter in models.create(raw).parameters())
    return _row(
        name=checkpoint.hub_id,
        family=checkpoint.model_type,
        params=params,
        input_size=[3, checkpoint.size, checkpoint.size],
        num_classes=checkpoint.num_classes,
        licence=checkpoint.licence,
        hub_id=checkpoint.hub_id,
    )


def _row(**facts: Any) -> dict[str, Any]:
    """A row with the columns of the index, in their order."""
    blank = {
        "name": "", "source": "transformers", "family": "", "params": 0, "input_size": [3, 224, 224], "mean": [], "std": [],
        "interpolation": "", "crop_pct": 0.0, "crop_mode": "", "num_classes": 0, "fixed_input": False, "licence": "",
        "hub_id": "", "paper": "",
    }  # fmt: skip
    return blank | facts


_UNFIT = {
    "imagegpt": "its processor turns pixels into clusters of colours",
    "perceiver": "its processor crops before it resizes, by a rule of its own",
    "donut-swin": "its processor pads pages of text",
    "siglip2": "its processor cuts images into sequences of patches",
    "shieldgemma2": "it answers questions on policies, and is no trainable classifier",
    "textnet": "its processor gives images of different sizes",
    "timm_wrapper": "it wraps the models that are listed under timm",
}
