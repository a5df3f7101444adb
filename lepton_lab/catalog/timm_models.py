# SPDX-License-Identifier: BSD-3-Clause
"""Models of timm: by tag, from a folder or a repository in timm's layout.

The configuration beside the weights is honoured whole: its `model_args` (a TensorFlow-style padding, say)
change what the same weights compute, with no error when they are left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.catalog import weights as weight_files
from lepton_lab.catalog.building import BuiltModel, Framework, seeded
from lepton_lab.catalog.class_names import timm_classes
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.folder import read_config
from lepton_lab.catalog.groups import timm_groups
from lepton_lab.catalog.preprocessing import final_size, from_timm
from lepton_lab.catalog.sizes import check_size
from lepton_lab.errors import LeptonError, WeightsError
from lepton_lab.spec import ModelSpec

if TYPE_CHECKING:
    pass

# Where weights lie is decided by `weights.py`, never by a configuration file.
_SOURCES = ("url", "file", "state_dict", "hf_hub_id", "hf_hub_filename", "source", "custom_load")


def build(entry: ModelEntry, spec: ModelSpec, classes: tuple[str, ...] | None, seed: int) -> BuiltModel:
    """The module of an entry, with a new head where `classes` are given; see `building.build`."""
    config = _configuration(entry)
    config |= {"image_size": spec.image_size, "channels": spec.channels}
    _fix_input(config)
    if spec.image_size:
        check_size(entry, spec.image_size, lambda size: _at_size(config, size), spec.channels)
    source = weight_files.locate(entry, spec.weights)
    if source.pretrained and source.file is None:
        raise WeightsError(f"The weights of {entry.name} are cut into several files.", "timm's layout has one.", "Give one model.safetensors.")
    with seeded(seed):
        module = _create(config, source.file, entry.name)
        if classes is not None:
            _new_head(module, len(classes))
    names = classes if classes is not None else _pretrained_classes(config, module, source.pretrained)
    return _built(module, config, names, entry, source.shown, source.pretrained)


def restore(config: Mapping[str, Any], classes: tuple[str, ...]) -> BuiltModel:
    """The architecture of `config` with random weights; see `building.from_config`."""
    config = dict(config)
    name = str(config.get("name", config.get("architecture", "")))
    with seeded(0):
        module = _create(config, None, name)
        _new_head(module, len(classes))
    return _built(module, config, classes, _entry_of(config, module, len(classes)), "random", False)


def save(built: BuiltModel, folder: Path) -> list[str]:
    """`model.safetensors` and `config.json` in timm's layout; see `building.save_pretrained`."""
    from timm.models import save_for_hf

    cfg, size = built.config["pretrained_cfg"], final_size(built.preprocessing)
    preprocessing = {
        "input_size": (built.preprocessing["channels"], *size),
        "interpolation": built.preprocessing["resize"]["interpolation"],
        "crop_pct": cfg.get("crop_pct") or 0.875,
        "crop_mode": cfg.get("crop_mode", "center"),
        "mean": tuple(built.preprocessing["mean"]),
        "std": tuple(built.preprocessing["std"]),
    }
    labels = {"label_names": list(built.classes)} if built.classes else {}
    save_for_hf(built.module, str(folder), model_config=labels, safe_serialization=True, data_config=preprocessing)
    return ["config.json", "model.safetensors"]


def _configuration(entry: ModelEntry) -> dict[str, Any]:
    """Architecture, arguments and pretrained configuration: of timm's registry, or of the files beside the weights."""
    import timm

    registered = entry.source == "timm" and "/" not in entry.name
    if registered:
        try:
            known: Any = timm.get_pretrained_cfg(entry.name, allow_unregistered=False)
        except RuntimeError as error:
            what = f"The installed timm {timm.__version__} has no {entry.name}."
            raise LeptonError(what, str(error), "pip install --upgrade timm") from error
        return _record(entry.name, entry.architecture, {}, known.to_dict())
    from lepton_lab.catalog.hub import fetch

    own = Path(entry.location) if entry.location else fetch(entry.hub_id, "config.json").parent
    raw = read_config(own)
    cfg = dict(raw.get("pretrained_cfg") or {key: value for key, value in raw.items() if key != "architecture"})
    for key in ("num_classes", "label_names", "label_descriptions"):
        if key in raw:
            cfg[key] = raw[key]
    if not timm.is_model(raw["architecture"]):
        raise LeptonError(f"{own.name} asks for the architecture {raw['architecture'][:60]!r}, which timm {timm.__version__} does not have.")
    return _record(entry.name, raw["architecture"], raw.get("model_args") or {}, cfg)


def _record(name: str, architecture: str, arguments: Mapping[str, Any], cfg: Mapping[str, Any]) -> dict[str, Any]:
    from timm.models import PretrainedCfg

    known = {field.name for field in fields(PretrainedCfg)} - set(_SOURCES)
    kept = {key: value for key, value in cfg.items() if key in known}
    return {
        "source": "timm",
        "name": name,
        "architecture": architecture,
        "model_args": _plain(arguments),
        "pretrained_cfg": _plain(kept),
    }


def _fix_input(config: dict[str, Any]) -> None:
    """Turn a wish for another size or other channels into timm's arguments."""
    arguments, cfg = config["model_args"], config["pretrained_cfg"]
    if config["channels"] != cfg.get("input_size", (3,))[0] or "in_chans" in arguments:
        arguments["in_chans"] = config["channels"]
    if config["image_size"] and cfg.get("fixed_input_size"):
        arguments["img_size"] = config["image_size"]


def _at_size(config: Mapping[str, Any], size: int) -> Any:
    """The module for another image size, without memory: it shows whether the size is possible."""
    import torch

    tried = {**config, "image_size": size, "model_args": dict(config["model_args"])}
    _fix_input(tried)
    with torch.device("meta"):
        return _create(tried, None, "").eval()


def _create(config: Mapping[str, Any], file: Path | None, name: str) -> Any:
    import timm

    cfg = dict(config["pretrained_cfg"])
    if file is not None:
        cfg |= {"file": str(file), "custom_load": False}
    arguments = dict(config["model_args"])
    try:
        module: Any = timm.create_model(config["architecture"], pretrained=file is not None, pretrained_cfg=cfg, **arguments)
    except RuntimeError as error:
        if file is None:
            raise
        raise _misfit(config, file, name, error) from error
    except TypeError as error:
        raise LeptonError(f"timm cannot build {config['architecture']} with {config['model_args']}.", str(error)[:200]) from error
    for key in _SOURCES:
        module.pretrained_cfg.pop(key, None)
    return module


def _new_head(module: Any, count: int) -> None:
    """Replace the classifier; RepViT would lose its second, distilled one unless it is told to keep it."""
    two = any("head_dist." in name for name, _ in module.named_parameters())
    takes = inspect.signature(module.reset_classifier).parameters
    module.reset_classifier(count, **({"distillation": True} if two and "distillation" in takes else {}))


def _misfit(config: Mapping[str, Any], file: Path, name: str, error: Exception) -> LeptonError:
    import torch

    with torch.device("meta"):
        module = _create(config, None, name)
    cause = str(error).strip().split("\n")[-1].strip()[:160]
    return weight_files.misfits(weight_files.shapes_of(file), weight_files.module_shapes(module), file.name, name, cause)


def _pretrained_classes(config: Mapping[str, Any], module: Any, pretrained: bool) -> tuple[str, ...]:
    count = int(module.num_classes)
    if not pretrained:
        return tuple(f"class {i}" for i in range(count))
    return timm_classes(config["pretrained_cfg"], count) if _classifies(module) else ()


def _classifies(module: Any) -> bool:
    """Whether there is a head of classes; a head of a text-image embedding has outputs and no classes."""
    return bool(module.num_classes) and bool(_head(module))


def _built(
    module: Any,
    config: dict[str, Any],
    classes: tuple[str, ...],
    entry: ModelEntry,
    shown: str,
    pretrained: bool,
) -> BuiltModel:
    head = _head(module)
    preprocessing = from_timm(config["pretrained_cfg"], config["image_size"], config["channels"])
    groups = timm_groups(module, head)
    return BuiltModel(module.eval(), config, preprocessing, classes, entry, shown, pretrained, groups, head)


def _head(module: Any) -> list[str]:
    """Parameter names of the classifier that timm itself names."""
    found = module.get_classifier()
    parts = found if isinstance(found, (tuple, list)) else (found,)
    own = {id(p) for part in parts if hasattr(part, "parameters") for p in part.parameters()}
    return [name for name, parameter in module.named_parameters() if id(parameter) in own]


def _entry_of(config: Mapping[str, Any], module: Any, count: int) -> ModelEntry:
    """An entry for a restored module: the configuration may come from a folder that is gone."""
    cfg = config["pretrained_cfg"]
    size = config["image_size"] or 0
    return ModelEntry(
        name=str(config.get("name") or config["architecture"]),
        source="timm",
        family=config["architecture"],
        params=sum(parameter.numel() for parameter in module.parameters()),
        input_size=(config["channels"], *((size, size) if size else tuple(cfg.get("input_size", (3, 224, 224))[1:]))),
        mean=tuple(cfg.get("mean", ())),
        std=tuple(cfg.get("std", ())),
        interpolation=cfg.get("interpolation", ""),
        crop_pct=cfg.get("crop_pct", 0.0),
        crop_mode=cfg.get("crop_mode", "center"),
        num_classes=count,
        licence=cfg.get("license") or "",
        fixed_input=bool(cfg.get("fixed_input_size")),
    )


def _plain(value: Any) -> Any:
    """JSON values only: tuples become lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


RECORD = Framework("timm", "PyTorch Image Models: convolutional nets and transformers for images.", build, restore, save)
