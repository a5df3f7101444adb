# SPDX-License-Identifier: BSD-3-Clause
"""Semantic segmentation with transformers: SegFormer, DeepLab on MobileNet and MobileViT, UPerNet, BEiT, DPT.

The whole picture is squeezed to one size: the center crop that some processors make would leave the edges
of a picture without a mask, and a mask has to cover all of it. The decoder of a checkpoint is kept; only what
depends on the number of classes starts anew.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lepton_lab.catalog import processors
from lepton_lab.catalog import weights as weight_files
from lepton_lab.catalog.building import BuiltModel, Framework, seeded
from lepton_lab.catalog.class_names import unique
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.folder import transformers_facts
from lepton_lab.catalog.groups import named_groups
from lepton_lab.catalog.sizes import check_size
from lepton_lab.catalog.transformers_common import (
    PREFIX,
    Auto,
    config_object,
    label_names,
    labelled,
    quiet,
    tame,
    transfer,
)
from lepton_lab.catalog.transformers_models import files, record, save
from lepton_lab.spec import ModelSpec

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog.logits import Logits

NAME = "transformers-masks"
TASK = "semantic-segmentation"
AUTO = Auto("MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING", "semantic segmentation model")
_SIDE = 512
# What DPT's processor says about sizes that are not square; here they always are.
_OF_DPT = {"keep_aspect_ratio", "ensure_multiple_of", "do_pad", "size_divisor"}
_CONVOLUTIONS = ("mobilenet_v2", "mobilevit", "mobilevitv2")


def build(
    entry: ModelEntry, spec: ModelSpec, classes: tuple[str, ...] | None, seed: int
) -> BuiltModel:
    """The module of an entry, with a new last layer where `classes` are given; see `building.build`."""
    raw, processor = files(entry)
    config = _configuration(entry.name, raw, processor, spec)
    if spec.image_size:
        check_size(entry, spec.image_size, lambda _: _on_meta(config), spec.channels)
    source = weight_files.locate(entry, spec.weights)
    own = unique(label_names(config_object(raw)))
    if not source.pretrained:
        module, notes = _assemble(config, classes if classes is not None else own, seed)
        return _built(module, config, classes or own, entry, source.shown, False, notes)
    loaded = AUTO.load(config["config"], source, entry.name, classes is not None)
    config["fresh"] = sorted(PREFIX + name for name in loaded.fresh)
    chosen = classes if classes is not None else own
    module, notes = _assemble(config, chosen, seed)
    sized = () if classes is None else AUTO.sized_by_classes(labelled(config["config"], chosen))
    transfer(loaded.model, module, {*sized, *loaded.fresh})
    if loaded.headless and classes is None:
        chosen = ()
        notes += ("These weights have no decoder: train the model before you predict with it.",)
    return _built(module, config, chosen, entry, source.shown, True, notes)


def restore(config: Mapping[str, Any], classes: tuple[str, ...]) -> BuiltModel:
    """The architecture of `config` with random weights; see `building.from_config`."""
    config = dict(config)
    module, notes = _assemble(config, classes, 0)
    known = transformers_facts(config["config"])
    facts = {**known, "task": TASK, "num_classes": len(classes)}
    params = sum(parameter.numel() for parameter in module.parameters())
    entry = ModelEntry(str(config.get("name", "")), "transformers", params=params, **facts)
    return _built(module, config, classes, entry, "random", False, notes)


def whole(processor: Mapping[str, Any]) -> dict[str, Any]:
    """A processor's file for the whole picture: resized to the size that the model sees, never cropped.

    >>> found = whole({"image_processor_type": "MobileNetV2ImageProcessor", "size": {"shortest_edge": 513},
    ...     "do_center_crop": True, "crop_size": {"height": 513, "width": 513}})
    >>> found["size"], found["do_center_crop"]
    ({'height': 513, 'width': 513}, False)
    """
    raw = {key: value for key, value in processor.items() if key not in _OF_DPT}
    if str(raw.get("image_processor_type", "")).startswith("DPT"):
        raw["image_processor_type"] = "ViTImageProcessor"
    found = processors.complete(raw)
    crop = found.pop("crop_size", None) if found.get("do_center_crop") else None
    size = crop or found.get("size") or {}
    side = size.get("shortest_edge") or size.get("longest_edge") or _SIDE
    size = {"height": int(size.get("height", side)), "width": int(size.get("width", side))}
    return {**found, "size": size, "do_center_crop": False, "do_resize": True}


def recipe(model_type: str, pretrained: bool) -> dict[str, Any]:
    """What "auto" stands for when such a model is trained."""
    found = {"batch_size": 8, "weight_decay": 0.01, "layer_decay": 1.0, "learning_rate": 1e-3}
    if not pretrained:
        return {**found, "why": "random weights: a usual rate from scratch"}
    if model_type in _CONVOLUTIONS:
        rate = 2e-3 if model_type == "mobilenet_v2" else 1e-3
        why = "a small convolutional net with its decoder takes a high rate"
        return {**found, "layer_decay": 0.9, "learning_rate": rate, "why": why}
    why = "SegFormer (arXiv 2105.15203): 6e-5 in the encoder, ten times as much in the decoder"
    return {**found, "learning_rate": 6e-4, "layer_decay": 0.75, "why": why}


def _configuration(
    name: str, raw: Mapping[str, Any], processor: Mapping[str, Any] | None, spec: ModelSpec
) -> dict[str, Any]:
    """The JSON of `BuiltModel.config`."""
    given = None if processor is None else whole(processor)
    config = record(name, raw, given, spec)
    settings = dict(config["config"])
    if hasattr(config_object(settings), "use_auxiliary_head"):
        # It serves a second loss while pretraining and nothing else.
        settings["use_auxiliary_head"] = False
    processor = whole(config["processor"])
    return {**config, "source": NAME, "config": settings, "processor": processor, "fresh": []}


def _assemble(
    config: Mapping[str, Any], classes: tuple[str, ...], seed: int
) -> tuple[Logits, tuple[str, ...]]:
    """A module with random weights for `classes`, and what was changed in it."""
    from lepton_lab.catalog.logits import Logits
    from lepton_lab.catalog.segmentation_module import steady

    with seeded(seed), quiet():
        model = AUTO.create(labelled(config["config"], classes))
    notes = (*tame(model), *_tame_decoder(model))
    steady(model)
    module = Logits(model.eval(), processors.flips(config["processor"]), _options(config))
    return module.eval(), notes


def _tame_decoder(model: Any) -> tuple[str, ...]:
    """The dropout of DeepLab on MobileNetV2 is a share to keep, used as one to drop; see `tame`."""
    decoder = getattr(model, "segmentation_head", None)
    dropout: Any = getattr(decoder, "dropout", None)
    if model.config.model_type != "mobilenet_v2" or getattr(dropout, "p", 0) <= 0.5:
        return ()
    was, dropout.p = dropout.p, round(1 - dropout.p, 6)
    return (f"Decoder dropout {was:g} is a share to keep; {dropout.p:g} is dropped.",)


def _options(config: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of the forward pass: position embeddings are interpolated for another image size."""
    model_class = AUTO.model_class(config_object(config["config"]))
    takes = inspect.signature(model_class.forward).parameters
    wanted = config["image_size"] and "interpolate_pos_encoding" in takes
    return {"interpolate_pos_encoding": True} if wanted else {}


def _on_meta(config: Mapping[str, Any]) -> torch.nn.Module:
    import torch

    from lepton_lab.catalog.logits import Logits

    with torch.device("meta"), quiet():
        model = AUTO.create(labelled(config["config"], ("a", "b"))).eval()
    return Logits(model, options=_options(config))


def _built(
    module: Logits,
    config: dict[str, Any],
    classes: tuple[str, ...],
    entry: ModelEntry,
    shown: str,
    pretrained: bool,
    notes: tuple[str, ...],
) -> BuiltModel:
    model: Any = module.model
    inside = [f"{PREFIX}{name}." for name in (model.base_model_prefix, "backbone") if name]
    fresh = set(config["fresh"])
    head = [
        name
        for name, _ in module.named_parameters()
        if name in fresh or not any(name.startswith(prefix) for prefix in inside)
    ]
    return BuiltModel(
        module=module,
        config=config,
        preprocessing=processors.from_processor(config["processor"], config["channels"]),
        classes=classes,
        entry=entry,
        weights=shown,
        pretrained=pretrained,
        groups=named_groups(module, head),
        head=head,
        notes=notes,
        recipe=recipe(model.config.model_type, pretrained),
    )


RECORD = Framework(NAME, "Semantic segmentation with transformers.", build, restore, save)
