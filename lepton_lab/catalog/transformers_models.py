# SPDX-License-Identifier: BSD-3-Clause
"""Image classifiers of transformers, from a repository or a folder in its layout.

The library's classes, safe configurations and weights are the matter of `transformers_common`; here are
the image processor, the size and the channels.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.catalog import processors
from lepton_lab.catalog import weights as weight_files
from lepton_lab.catalog.building import BuiltModel, Framework, seeded
from lepton_lab.catalog.class_names import unique
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.folder import read_config, transformers_facts
from lepton_lab.catalog.groups import named_groups
from lepton_lab.catalog.sizes import check_size
from lepton_lab.catalog.transformers_common import (
    PREFIX,
    Auto,
    config_object,
    label_names,
    labelled,
    quiet,
    safe_config,
    tame,
    transfer,
)
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog.logits import Logits

AUTO = Auto("MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING", "image classifier")


def build(entry: ModelEntry, spec: ModelSpec, classes: tuple[str, ...] | None, seed: int) -> BuiltModel:
    """The module of an entry, with a new head where `classes` are given; see `building.build`."""
    raw, processor = files(entry)
    config = record(entry.name, raw, processor, spec)
    if spec.image_size:
        check_size(entry, spec.image_size, lambda size: _at_size(config, size), spec.channels)
    source = weight_files.locate(entry, spec.weights)
    own = label_names(config_object(raw))
    if not source.pretrained:
        chosen = classes if classes is not None else tuple(f"class {i}" for i in range(len(own)))
        module, head, notes = _assemble(config, chosen, seed)
        return _built(module, config, chosen, entry, source.shown, False, head, notes)
    loaded = AUTO.load(raw, source, entry.name, classes is not None)
    module, head, notes = _assemble(config, classes if classes is not None else unique(own), seed)
    transfer(loaded.model, module, (*(head if classes is not None else ()), *loaded.fresh))
    if loaded.headless and classes is None:
        notes = (*notes, "These weights have no classifier: train the model before you predict with it.")
    chosen = classes if classes is not None else () if loaded.headless else unique(own)
    return _built(module, config, chosen, entry, source.shown, True, head, notes)


def restore(config: Mapping[str, Any], classes: tuple[str, ...]) -> BuiltModel:
    """The architecture of `config` with random weights; see `building.from_config`."""
    config = dict(config)
    module, head, notes = _assemble(config, classes, 0)
    facts = transformers_facts(config["config"]) | {"num_classes": len(classes)}
    params = sum(parameter.numel() for parameter in module.parameters())
    entry = ModelEntry(name=str(config.get("name", "")), source="transformers", params=params, **facts)
    return _built(module, config, classes, entry, "random", False, head, notes)


def save(built: BuiltModel, folder: Path) -> list[str]:
    """`model.safetensors`, `config.json` and the processor's file; see `building.save_pretrained`."""
    model: Any = built.module.model
    before = {path.name for path in folder.iterdir()}
    with quiet():
        model.save_pretrained(str(folder), max_shard_size="1000GB")
    processor = json.dumps(built.config["processor"], indent=2)
    (folder / processors.FILE).write_text(processor + "\n", "utf-8")
    written = {path.name for path in folder.iterdir()} - before
    return sorted(written | {"config.json", "model.safetensors", processors.FILE})


def files(entry: ModelEntry) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """`config.json` made safe, and the processor's file; None for a bare model type."""
    if entry.location:
        folder = Path(entry.location)
    elif entry.hub_id:
        from lepton_lab.catalog import hub

        folder = hub.fetch(entry.hub_id, "config.json").parent
        hub.fetch_optional(entry.hub_id, processors.FILE)
    else:
        return bare_files(entry)
    processor = processors.read_processor(folder)
    if processor is None:
        raise LeptonError(
            f"{entry.name} has no {processors.FILE}.",
            "Without it nobody can tell how images were prepared for these weights.",
            f"Put the file beside config.json in {folder.name}.",
        )
    return safe_config(read_config(folder)), processor


def bare_files(entry: ModelEntry) -> tuple[dict[str, Any], None]:
    """The default configuration of a model type, with as many classes as its entry says."""
    labels = {str(i): f"class {i}" for i in range(entry.num_classes)}
    return {"model_type": entry.family, "id2label": labels}, None


def record(name: str, raw: Mapping[str, Any], processor: Mapping[str, Any] | None, spec: ModelSpec) -> dict[str, Any]:
    """The JSON of `BuiltModel.config`."""
    safe = dict(raw)
    known = config_object(safe)
    if processor is None:
        size = getattr(getattr(known, "vision_config", known), "image_size", None)
        side = size[0] if isinstance(size, (list, tuple)) else size
        found = processors.default_processor(safe["model_type"], side or 224)
    else:
        found = processors.complete(processor)
    if spec.image_size:
        found = processors.resized(found, spec.image_size)
    if spec.channels != safe.get("num_channels", 3):
        if not hasattr(known, "num_channels"):
            raise LeptonError(f"{name} takes 3 channels only.", f"{spec.channels} were asked for.", "channels=3")
        safe["num_channels"] = spec.channels
    return {
        "source": "transformers",
        "name": name,
        "config": safe,
        "processor": found,
        "image_size": spec.image_size,
        "channels": spec.channels,
    }


def _assemble(config: Mapping[str, Any], classes: tuple[str, ...], seed: int) -> tuple[Logits, list[str], tuple[str, ...]]:
    """A module with random weights and a head for `classes`, the head's parameters, and what was changed."""
    from lepton_lab.catalog.logits import Logits

    raw = labelled(config["config"], classes)
    options, flip = _options(config), processors.flips(config["processor"])
    with seeded(seed):
        model = create(raw)
    head = [PREFIX + name for name in AUTO.sized_by_classes(raw)]
    return Logits(model.eval(), flip, options).eval(), head, tame(model)


def create(raw: Mapping[str, Any]) -> Any:
    """The classifier of a configuration with random weights. Raises LeptonError when it cannot be built."""
    return AUTO.create(raw)


def _options(config: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of the forward pass: position embeddings are interpolated for another image size."""
    settings = config_object(config["config"])
    takes = inspect.signature(AUTO.model_class(settings).forward).parameters
    return {"interpolate_pos_encoding": True} if config["image_size"] and "interpolate_pos_encoding" in takes else {}


def _at_size(config: Mapping[str, Any], size: int) -> torch.nn.Module:
    import torch

    from lepton_lab.catalog.logits import Logits

    with torch.device("meta"):
        model = create(labelled(config["config"], ("a", "b"))).eval()
    return Logits(model, options=_options({**config, "image_size": size}))


def _built(
    module: Logits,
    config: dict[str, Any],
    classes: tuple[str, ...],
    entry: ModelEntry,
    shown: str,
    pretrained: bool,
    head: list[str],
    notes: tuple[str, ...],
) -> BuiltModel:
    preprocessing = processors.from_processor(config["processor"], config["channels"])
    groups = named_groups(module, head)
    return BuiltModel(module, config, preprocessing, classes, entry, shown, pretrained, groups, head, notes)


RECORD = Framework("transformers", "Image classifiers of transformers.", build, restore, save)
