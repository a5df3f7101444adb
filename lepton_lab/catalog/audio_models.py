# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers of sounds from transformers: Wav2Vec2 and its relatives on samples, AST on filter banks.

Each comes with the feature extractor that its weights were trained with, as data. Their own random masks
are switched off for training: they draw from a generator that no seed of a run reaches; the masks of
the training augmentation take their place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lepton_lab.catalog import processors, sound_rules
from lepton_lab.catalog import weights as weight_files
from lepton_lab.catalog.building import BuiltModel, Framework, seeded
from lepton_lab.catalog.class_names import unique
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.folder import read_config
from lepton_lab.catalog.groups import ordered
from lepton_lab.catalog.transformers_common import (
    PREFIX,
    Auto,
    config_object,
    label_names,
    labelled,
    quiet,
    safe_config,
    transfer,
)
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec

SOURCE = "transformers-sound"
TASK = "audio-classification"
_LAYER = re.compile(r"(?<!pos_conv_embed)\.layers?\.(\d+)\.")
AUTO = Auto("MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING", "classifier of sounds")


def build(
    entry: ModelEntry, spec: ModelSpec, classes: tuple[str, ...] | None, seed: int
) -> BuiltModel:
    """The module of an entry, with a new head where `classes` are given; see `building.build`."""
    if spec.image_size:
        raise LeptonError(
            f"{entry.name} hears samples.", "image_size was given.", "Leave image_size out."
        )
    raw, extractor, rule = _files(entry)
    config = {
        "source": SOURCE,
        "name": entry.name,
        "config": raw,
        "extractor": extractor,
        "sound": rule,
        "fresh": [],
    }
    own = label_names(config_object(raw))
    source = weight_files.locate(entry, spec.weights)
    if not source.pretrained:
        chosen = classes if classes is not None else unique(own)
        return _built(_module(config, chosen, seed), config, chosen, entry, source.shown, False)
    loaded = AUTO.load(raw, source, entry.name, classes is not None)
    config["fresh"] = sorted(PREFIX + name for name in loaded.fresh)
    chosen = classes if classes is not None else unique(own)
    module = _module(config, chosen, seed)
    sized = AUTO.sized_by_classes(labelled(raw, chosen)) if classes is not None else ()
    transfer(loaded.model, module, {*sized, *loaded.fresh})
    untrained = loaded.headless and classes is None
    built = _built(module, config, () if untrained else chosen, entry, source.shown, True)
    if untrained:
        built.notes += (
            "These weights have no classifier: train the model before you predict with it.",
        )
    return built


def restore(config: Mapping[str, Any], classes: tuple[str, ...]) -> BuiltModel:
    """The architecture of `config` with random weights; see `building.from_config`."""
    config = dict(config)
    module = _module(config, classes, 0)
    entry = ModelEntry(
        name=str(config.get("name", "")),
        source="transformers",
        task=TASK,
        family=str(config["config"]["model_type"]),
        params=sum(parameter.numel() for parameter in module.parameters()),
        input_size=(),
        num_classes=len(classes),
    )
    return _built(module, config, classes, entry, "random", False)


def save(built: BuiltModel, folder: Path) -> list[str]:
    """Weights, configuration and extractor as transformers loads them; see `building.save_pretrained`."""
    model: Any = built.module.model
    with quiet():
        model.save_pretrained(str(folder), max_shard_size="1000GB")
    extractor = json.dumps(built.config["extractor"], indent=2)
    (folder / processors.FILE).write_text(extractor + "\n", "utf-8")
    names = [processors.FILE, sound_rules.keep(built.preprocessing, folder)]
    return sorted(["config.json", "model.safetensors", *names])


def _files(entry: ModelEntry) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The configuration made safe, the completed extractor, and the rule that it means."""
    if entry.location:
        folder = Path(entry.location)
    elif entry.hub_id:
        from lepton_lab.catalog import hub

        folder = hub.fetch(entry.hub_id, "config.json").parent
        hub.fetch_optional(entry.hub_id, processors.FILE)
    else:
        raw = {"model_type": entry.family}
        extractor = sound_rules.complete(sound_rules.default_extractor(entry.family), entry.name)
        return raw, extractor, sound_rules.from_extractor(extractor)
    raw = safe_config(read_config(folder))
    AUTO.model_class(config_object(raw))
    found = processors.read_processor(folder) or _inner(folder)
    if found is None:
        raise LeptonError(
            f"{entry.name} has no {processors.FILE}.",
            "Without it nobody can tell how sounds were prepared for these weights.",
            f"Put the file beside config.json in {folder.name}.",
        )
    extractor = sound_rules.complete(found, entry.name)
    return raw, extractor, sound_rules.kept(folder) or sound_rules.from_extractor(extractor)


def _inner(folder: Path) -> dict[str, Any] | None:
    """The extractor inside the file of a whole processor."""
    try:
        found = json.loads((folder / "processor_config.json").read_text("utf-8"))[
            "feature_extractor"
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None


def _module(config: Mapping[str, Any], classes: tuple[str, ...], seed: int) -> Any:
    from lepton_lab.catalog.sound_logits import SoundLogits

    raw = {**labelled(config["config"], classes), "apply_spec_augment": False}
    with seeded(seed), quiet():
        return SoundLogits(AUTO.create(raw).eval()).eval()


def _built(
    module: Any,
    config: dict[str, Any],
    classes: tuple[str, ...],
    entry: ModelEntry,
    shown: str,
    pretrained: bool,
) -> BuiltModel:
    backbone, fresh = f"{PREFIX}{module.model.base_model_prefix}.", set(config["fresh"])
    names = [name for name, _ in module.named_parameters()]
    head = [name for name in names if not name.startswith(backbone) or name in fresh]
    return BuiltModel(
        module=module,
        config=config,
        preprocessing=dict(config["sound"]),
        classes=classes,
        entry=entry,
        weights=shown,
        pretrained=pretrained,
        groups=_groups(module, head),
        head=head,
        recipe=recipe(str(config["config"]["model_type"]), pretrained),
    )


def _groups(module: Any, head: list[str]) -> list[list[str]]:
    """Parameter names by depth: all that comes before the Transformer's layers is one group (`freeze=1`).

    The convolutions on waveforms are numbered as the layers are, so numbers alone would mix them up.
    """
    depth, reached = {}, 0
    for name, _ in module.named_parameters():
        found = _LAYER.search(name)
        reached = int(found[1]) + 1 if found else reached
        depth[name] = (reached,)
    return ordered(module, head, depth.__getitem__)


def recipe(model_type: str, pretrained: bool) -> dict[str, Any]:
    """What "auto" stands for when such a model is trained.

    Args:
        model_type: Of transformers.
        pretrained: Whether the backbone was trained before.
    """
    if not pretrained:
        why = "random weights: a Transformer's usual rate from scratch"
        return {
            "learning_rate": 5e-4,
            "weight_decay": 0.01,
            "layer_decay": 1.0,
            "batch_size": 32,
            "why": why,
        }
    if model_type == "audio-spectrogram-transformer":
        why = "AST (arXiv 2104.01778, section 3: 1e-5 to 2.5e-4, by size of the data)"
        return {
            "learning_rate": 5e-5,
            "weight_decay": 0.01,
            "layer_decay": 0.9,
            "batch_size": 16,
            "why": why,
        }
    why = (
        "transformers' audio-classification example for Wav2Vec2 (3e-5, batch 32); "
        "the convolutions, which it keeps fixed, change least"
    )
    return {
        "learning_rate": 3e-5,
        "weight_decay": 0.01,
        "layer_decay": 0.9,
        "batch_size": 32,
        "why": why,
    }


RECORD = Framework(SOURCE, "Classifiers of sounds from transformers.", build, restore, save)
