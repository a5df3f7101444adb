# SPDX-License-Identifier: BSD-3-Clause
"""From a name to a module: one door for the frameworks that models come from.

A framework is a record: how it builds a model for an entry, how it makes the same architecture again
from its configuration, and how it writes a folder that it can load itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.folder import framework, read_config
from lepton_lab.collecting import uncollected
from lepton_lab.errors import LeptonError
from lepton_lab.randomness import borrowed_generators
from lepton_lab.registry import Registry
from lepton_lab.spec import ModelSpec

if TYPE_CHECKING:
    import torch


@dataclass
class BuiltModel:
    """A module with everything that belongs to it.

    Attributes:
        module: Its task calls it; an image classifier takes float32 (N, C, H, W), normalized, and gives
            logits (N, classes).
        config: JSON from which `from_config` makes the same architecture.
        preprocessing: How a sample becomes the module's input, as data.
        classes: Names in the order of the outputs; empty for a backbone without a head.
        entry: What was built.
        weights: Where they came from, in words.
        pretrained: Whether they were trained before.
        groups: Parameter names by depth, input first, the head last.
        head: Parameter names of the head.
        notes: What was changed in the model so that it trains well, in words.
        files: What the preprocessing names and does not hold itself (a tokenizer), by name.
        recipe: Values that "auto" stands for in training ("learning_rate", ...), and "why".
    """

    module: torch.nn.Module
    config: dict[str, Any]
    preprocessing: dict[str, Any]
    classes: tuple[str, ...]
    entry: ModelEntry
    weights: str
    pretrained: bool
    groups: list[list[str]]
    head: list[str]
    notes: tuple[str, ...] = field(default=())
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    recipe: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Framework:
    """A library that models come from.

    Attributes:
        name: As `source` in a model's configuration.
        description: One line.
        build: (entry, spec, classes, seed) -> BuiltModel.
        restore: (config, classes) -> BuiltModel with random weights.
        save: (built, folder) -> names of the files written.
    """

    name: str
    description: str
    build: Callable[[ModelEntry, ModelSpec, tuple[str, ...] | None, int], BuiltModel]
    restore: Callable[[Mapping[str, Any], tuple[str, ...]], BuiltModel]
    save: Callable[[BuiltModel, Path], list[str]]


frameworks: Registry[Framework] = Registry("framework", "%lepton models")


def build(spec: ModelSpec, *, classes: Sequence[str] | None = None, seed: int = 0) -> BuiltModel:
    """Make the module that a spec asks for.

    Args:
        spec: Name, weights, image size and channels.
        classes: Names of the new head's outputs; None keeps the pretrained head and its names.
        seed: Seed of the new head (and of everything, with random weights). The global random state is
            left as it was.

    Raises:
        NotFoundError: No such model.
        WeightsError: The weights are not here and cannot be fetched, or do not fit.
        LeptonError: The model cannot take the image size or the channels.
    """
    from lepton_lab.catalog.lookup import find

    entry = find(spec.name)
    with uncollected():
        return _framework(_source(entry)).build(entry, spec, _checked(classes), seed)


def from_config(config: Mapping[str, Any], *, classes: Sequence[str]) -> BuiltModel:
    """The architecture of an earlier `BuiltModel` with random weights, without a network.

    Args:
        config: `BuiltModel.config`, as stored by a run or an artifact.
        classes: Names of the outputs.

    Raises:
        LeptonError: The configuration is not one of ours, or the installed library has no such model.
    """
    with uncollected():
        restore = _framework(str(config.get("source", ""))).restore
        try:
            return restore(config, _checked(classes) or ())
        except (KeyError, AttributeError, IndexError) as error:
            raise LeptonError(
                "The stored configuration of the model is damaged.", f"It lacks {error}."
            ) from error


def save_pretrained(built: BuiltModel, folder: Path | str) -> list[str]:
    """Write weights and configuration so that timm or transformers load the folder by themselves.

    timm: `timm.create_model("local-dir:FOLDER", pretrained=True)`; transformers:
    `AutoModelForImageClassification.from_pretrained(FOLDER)`.

    Args:
        built: The model.
        folder: Where to; made when it is missing.

    Returns:
        The names of the files, sorted.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return sorted(_framework(built.config["source"]).save(built, folder))


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Random initial weights that depend on `seed` alone; the global random state is put back afterwards."""
    import torch

    with borrowed_generators():
        # Not torch.manual_seed: that would also reseed (and start) every accelerator.
        torch.default_generator.manual_seed(seed)
        yield


def _framework(name: str) -> Framework:
    """The record of a framework; its module is imported when it is first needed."""
    import importlib

    if name in _MODULES and name not in frameworks:
        frameworks.register(importlib.import_module(_MODULES[name]).RECORD)
    return frameworks.get(name)


_MODULES = {
    "timm": "lepton_lab.catalog.timm_models",
    "transformers": "lepton_lab.catalog.transformers_models",
    "transformers-text": "lepton_lab.catalog.text_models",
    "transformers-tokens": "lepton_lab.catalog.token_models",
    "transformers-boxes": "lepton_lab.catalog.detection_models",
    "transformers-masks": "lepton_lab.catalog.segmentation_models",
    "transformers-sound": "lepton_lab.catalog.audio_models",
    "timm-sound": "lepton_lab.catalog.spectrogram_models",
    "tabular": "lepton_lab.catalog.tabular_models",
    "pruned": "lepton_lab.catalog.pruned_models",
    "graph": "lepton_lab.catalog.graph_models",
}


def _source(entry: ModelEntry) -> str:
    return framework(read_config(Path(entry.location))) if entry.location else entry.source


def _checked(classes: Sequence[str] | None) -> tuple[str, ...] | None:
    if classes is None:
        return None
    names = tuple(str(name) for name in classes)
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise LeptonError(f"Two classes are called '{twice[:60]}'.", "Each output needs a name of its own.")
    return names
