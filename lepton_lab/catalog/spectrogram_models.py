# SPDX-License-Identifier: BSD-3-Clause
"""Any network of timm as a classifier of sounds: it sees the log-mel spectrogram as a picture in one channel.

ImageNet weights help here too (arXiv 2007.11154): the first layer's filters for three colours are added
up, as timm does for one channel. Networks that are built for one size get a square picture of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lepton_lab.catalog import sound_rules, timm_models
from lepton_lab.catalog.building import BuiltModel, Framework
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.spec import ModelSpec

SOURCE = "timm-sound"
TASK = "audio-classification"
_SQUARE = 128
# On 300 spoken digits, one rate for all layers learned in 6 epochs what a factor of 0.75 a layer did not in 8.
_RECIPE = {
    "layer_decay": 1.0,
    "why": "spectrograms are far from the pictures of the pretraining: all layers change alike",
}


def build(
    entry: ModelEntry, spec: ModelSpec, classes: tuple[str, ...] | None, seed: int
) -> BuiltModel:
    """The module of an entry, with a new head where `classes` are given; see `building.build`."""
    kept = sound_rules.kept(Path(entry.location)) if entry.location else None
    return build_for(entry, spec, classes, seed, kept or rule_for(entry, spec))


def rule_for(
    entry: ModelEntry,
    spec: ModelSpec,
    rate: int = sound_rules.PICTURE_RATE,
    seconds: float = sound_rules.SECONDS,
) -> dict[str, Any]:
    """The picture that a network gets: square where it is built for one size or a size is asked for."""
    side = spec.image_size or (_SQUARE if entry.fixed_input else None)
    return sound_rules.picture(rate, seconds, side)


def build_for(
    entry: ModelEntry,
    spec: ModelSpec,
    classes: tuple[str, ...] | None,
    seed: int,
    rule: Mapping[str, Any],
) -> BuiltModel:
    """The module for pictures of a rule."""
    side = int(rule["features"]["mels"]) if entry.fixed_input else None
    seen = replace(spec, channels=1, image_size=side)
    return _hearing(timm_models.build(entry, seen, classes, seed), dict(rule))


def restore(config: Mapping[str, Any], classes: tuple[str, ...]) -> BuiltModel:
    """The architecture of `config` with random weights; see `building.from_config`."""
    return _hearing(timm_models.restore(config["picture"], classes), dict(config["sound"]))


def save(built: BuiltModel, folder: Path) -> list[str]:
    """`model.safetensors` and `config.json` in timm's layout, and how sounds become its pictures."""
    from timm.models import save_for_hf

    about: dict[str, Any] = {"task": TASK}
    if built.classes:
        about["label_names"] = list(built.classes)
    constants = {
        "mean": (0.0,),
        "std": (1.0,),
        "interpolation": "bilinear",
        "crop_pct": 1.0,
        "crop_mode": "squash",
    }
    seen = {"input_size": sound_rules.shape(built.preprocessing), **constants}
    save_for_hf(
        built.module, str(folder), model_config=about, safe_serialization=True, data_config=seen
    )
    return sorted(
        ["config.json", "model.safetensors", sound_rules.keep(built.preprocessing, folder)]
    )


def _hearing(built: BuiltModel, rule: dict[str, Any]) -> BuiltModel:
    config = {
        "source": SOURCE,
        "name": built.config.get("name", ""),
        "picture": built.config,
        "sound": rule,
    }
    entry = replace(built.entry, task=TASK, input_size=sound_rules.shape(rule))
    recipe = dict(_RECIPE) if built.pretrained else built.recipe
    return replace(built, config=config, preprocessing=rule, entry=entry, recipe=recipe)


RECORD = Framework(
    SOURCE, "Networks of timm that see the spectrogram of a sound.", build, restore, save
)
