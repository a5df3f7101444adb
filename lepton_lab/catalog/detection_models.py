# SPDX-License-Identifier: BSD-3-Clause
"""Detectors of the DETR family: DETR, Conditional and Deformable DETR, YOLOS, RT-DETR and its second version.

The whole picture is squeezed to one size, without padding: what the model learns from, is measured on and
gets in an artifact is prepared by the same rule. A backbone of timm is built from its name alone; its weights
come with the checkpoint, and nothing is fetched for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lepton_lab.catalog import processors
from lepton_lab.catalog import weights as weight_files
from lepton_lab.catalog.building import BuiltModel, Framework, seeded
from lepton_lab.catalog.class_names import unique
from lepton_lab.catalog.detection_recipes import recipe
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.folder import framework, read_config, transformers_facts
from lepton_lab.catalog.preprocessing import RESCALE
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
from lepton_lab.catalog.transformers_models import files, save
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec

NAME = "transformers-boxes"
TASK = "object-detection"
AUTO = Auto("MODEL_FOR_OBJECT_DETECTION_MAPPING", "object detector")
# Whether a model scores each class on its own; the others have a class "nothing" behind the last.
FAMILIES = {
    "detr": False,
    "yolos": False,
    "conditional_detr": True,
    "deformable_detr": True,
    "rt_detr": True,
    "rt_detr_v2": True,
}
# A shorter side of 800 pixels, as DETR was trained with, is more than most own data need.
_SIDE = 640
_STEP = 32
_PROCESSORS = {"Detr", "ConditionalDetr", "DeformableDetr", "Yolos", "RTDetr"}
_MEAN, _STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def build(
    entry: ModelEntry, spec: ModelSpec, classes: tuple[str, ...] | None, seed: int
) -> BuiltModel:
    """The detector of an entry, with new heads for its classes where `classes` are given; see `building.build`."""
    config = _configuration(entry, spec)
    source = weight_files.locate(entry, spec.weights)
    own = unique(label_names(config_object(config["config"])))
    chosen = classes if classes is not None else own
    module = _assemble(config, chosen, seed)
    if not source.pretrained:
        return _built(module, config, chosen, entry, source.shown, False)
    loaded = AUTO.load(config["config"], source, entry.name, classes is not None)
    sized = () if classes is None else _sized(labelled(config["config"], chosen))
    # Names of the library may begin with the prefix themselves, so that it has to be there.
    transfer(loaded.model, module, {PREFIX + name for name in (*sized, *loaded.fresh)})
    if loaded.headless and classes is None:
        chosen = ()
    return _built(module, config, chosen, entry, source.shown, True)


def restore(config: Mapping[str, Any], classes: tuple[str, ...]) -> BuiltModel:
    """The architecture of `config` with random weights; see `building.from_config`."""
    config = dict(config)
    module = _assemble(config, classes, 0)
    facts = transformers_facts(config["config"]) | {"num_classes": len(classes), "task": TASK}
    params = sum(parameter.numel() for parameter in module.parameters())
    entry = ModelEntry(str(config.get("name", "")), "transformers", params=params, **facts)
    return _built(module, config, classes, entry, "random", False)


def squeezed(raw: Mapping[str, Any] | None, side: int | None = None) -> dict[str, Any]:
    """A processor's file for the whole picture at one size, nothing padded.

    Args:
        raw: As the checkpoint has it; None takes DETR's.
        side: Of the square in pixels; the file's own height and width, or its shorter side but at most
            640, when left out.

    Raises:
        LeptonError: The processor is of a kind that is not known here.

    >>> squeezed({"feature_extractor_type": "DetrFeatureExtractor", "size": 800})["size"]
    {'height': 640, 'width': 640}
    """
    raw = dict(raw or {"image_processor_type": "DetrImageProcessor"})
    named = str(raw.get("image_processor_type") or raw.get("feature_extractor_type") or "")
    kind = re.sub(r"(ImageProcessor|FeatureExtractor)(Fast|Pil)?$", "", named)
    if kind not in _PROCESSORS:
        raise LeptonError(
            "The images for this detector cannot be prepared.",
            f"Its processor is {kind or 'not named'}. Known are: {', '.join(sorted(_PROCESSORS))}.",
            "%lepton models --task=object-detection",
        )
    size = raw.get("size")
    size = size if isinstance(size, Mapping) else {"shortest_edge": size}
    short = side or min(int(size.get("shortest_edge") or _SIDE), _SIDE)
    whole = {"height": short, "width": short}
    if not side and size.get("height") and size.get("width"):
        whole = {"height": int(size["height"]), "width": int(size["width"])}
    plain = {
        "image_processor_type": "ViTImageProcessor",
        "size": whole,
        "resample": raw.get("resample", 2),
        "do_rescale": raw.get("do_rescale", True),
        "rescale_factor": raw.get("rescale_factor", RESCALE),
        "do_normalize": raw.get("do_normalize", kind != "RTDetr"),
        "image_mean": raw.get("image_mean", _MEAN),
        "image_std": raw.get("image_std", _STD),
    }
    found = processors.complete(plain)
    return {**found, "image_processor_type": f"{kind}ImageProcessor", "do_pad": False}


def _configuration(entry: ModelEntry, spec: ModelSpec) -> dict[str, Any]:
    """The JSON of `BuiltModel.config`."""
    place = Path(entry.location) if entry.location else None
    if entry.source == "timm" or (place and framework(read_config(place)) == "timm"):
        raise _no_detector(entry.name, "It is a classifier of timm.")
    raw, processor = files(entry)
    kind = config_object(raw).model_type
    if kind not in FAMILIES:
        raise _no_detector(entry.name, f"It is of the type {kind!r}.")
    if spec.channels != 3:
        raise LeptonError(
            f"{entry.name} takes 3 channels only.", f"{spec.channels} were asked for.", "channels=3"
        )
    if (spec.image_size or _STEP) % _STEP:
        near = max(round(spec.image_size / _STEP), 1) * _STEP if spec.image_size else _STEP
        raise LeptonError(
            f"{entry.name} cannot take images of {spec.image_size} x {spec.image_size} pixels.",
            f"Its grids halve five times: the side must be a multiple of {_STEP}.",
            f"lab.load_model({entry.name!r}, image_size={near})",
        )
    return {
        "source": NAME,
        "name": entry.name,
        "config": _offline(raw),
        "processor": squeezed(processor, spec.image_size),
        "image_size": spec.image_size,
        "channels": 3,
    }


def _no_detector(name: str, why: str) -> LeptonError:
    return LeptonError(
        f"{name} cannot be trained to find objects.",
        f"{why} Detectors here are: {', '.join(FAMILIES)}.",
        "%lepton models --task=object-detection",
    )


def _offline(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with a backbone that is built and never fetched.

    Raises:
        LeptonError: The backbone is named by a place, which timm would look into.
    """
    found = dict(raw)
    inner = found.get("backbone_config")
    inner = dict(inner) if isinstance(inner, Mapping) else {}
    for part in (found, inner):
        name = str(part.get("backbone") or "")
        if ":" in name or "/" in name:
            raise LeptonError(
                "The backbone of this detector is not built.",
                f"Its configuration names the place {name[:80]!r} instead of a model of timm.",
                "%lepton models --task=object-detection",
            )
        if "use_pretrained_backbone" in part:
            part["use_pretrained_backbone"] = False
    return found | ({"backbone_config": inner} if inner else {})


def _assemble(config: Mapping[str, Any], classes: tuple[str, ...], seed: int) -> Any:
    """A module with random weights for `classes`."""
    from lepton_lab.catalog.detection_module import Detector

    raw = config["config"]
    with seeded(seed), quiet():
        model = AUTO.create(labelled(raw, classes))
    tame(model)
    # What stays fixed is for `freeze` to say; DETR would fix the first stages of a backbone by itself.
    model.requires_grad_(True)
    return Detector(model.eval(), FAMILIES[raw["model_type"]]).eval()


def _sized(raw: Mapping[str, Any]) -> set[str]:
    """Names in the state whose shape depends on the number of classes; a shared tensor has several."""
    import torch

    more = (*raw["id2label"].values(), "one class more")
    with torch.device("meta"), quiet():
        one, other = AUTO.create(raw).state_dict(), AUTO.create(labelled(raw, more)).state_dict()
    return {name for name, value in one.items() if other[name].shape != value.shape}


def _built(
    module: Any,
    config: dict[str, Any],
    classes: tuple[str, ...],
    entry: ModelEntry,
    shown: str,
    pretrained: bool,
) -> BuiltModel:
    kind = config["config"]["model_type"]
    names = [name for name, _ in module.named_parameters()]
    inner = f"{PREFIX}vit." if kind == "yolos" else f"{PREFIX}model.backbone."
    backbone = [name for name in names if name.startswith(inner)]
    rest = [name for name in names if not name.startswith(inner)]
    sized = _sized(labelled(config["config"], classes or ("a",)))
    size = config["processor"]["size"]
    return BuiltModel(
        module=module,
        config=config,
        preprocessing=processors.from_processor(config["processor"], config["channels"]),
        classes=classes,
        entry=entry,
        weights=shown,
        pretrained=pretrained,
        groups=[group for group in (backbone, rest) if group],
        head=[name for name in rest if name.removeprefix(PREFIX) in sized],
        notes=(f"Pictures are squeezed to {size['width']} x {size['height']} pixels, whole.",),
        recipe=recipe(kind, pretrained),
    )


RECORD = Framework(NAME, "Object detectors of transformers.", build, restore, save)
