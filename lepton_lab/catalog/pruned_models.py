# SPDX-License-Identifier: BSD-3-Clause
"""Models with fewer channels than their architecture: the architecture, and what was taken out of it.

The configuration names the sizes of the layers and the shapes of the tensors that differ, so that the same
module is made again anywhere, without the library that cut it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.catalog.building import BuiltModel, Framework, from_config
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec

if TYPE_CHECKING:
    import torch

SOURCE = "pruned"
_SIZES = ("in_channels", "out_channels", "groups", "num_features", "num_channels", "in_features", "out_features", "normalized_shape")  # fmt: skip


def differences(small: torch.nn.Module, whole: torch.nn.Module) -> dict[str, Any]:
    """The sizes and shapes in which a pruned module differs from the one it was, as JSON.

    Args:
        small: What is left.
        whole: The same architecture, uncut.
    """
    before = dict(whole.named_modules())
    sizes = {}
    for name, layer in small.named_modules():
        changed = {
            key: _plain(vars(layer)[key])
            for key in _SIZES
            if key in vars(layer) and vars(layer)[key] != vars(before[name])[key]
        }
        if changed:
            sizes[name] = changed
    shapes = {name: list(value.shape) for name, value in small.state_dict().items()}
    same = {name: list(value.shape) for name, value in whole.state_dict().items()}
    return {"sizes": sizes, "shapes": {k: v for k, v in shapes.items() if v != same[k]}}


def restore(config: Mapping[str, Any], classes: tuple[str, ...]) -> BuiltModel:
    """The architecture of `config`, cut as it says, with weights that are still to be loaded."""
    import torch

    built = from_config(config["base"], classes=classes)
    for name, values in config["sizes"].items():
        layer = built.module.get_submodule(name)
        for key, value in values.items():
            if key not in _SIZES:
                raise LeptonError("The stored configuration of the model is damaged.", f"{key!r} is no size of a layer.")
            setattr(layer, key, tuple(value) if isinstance(value, list) else value)
    for name, shape in config["shapes"].items():
        owner, _, own = name.rpartition(".")
        layer = built.module.get_submodule(owner)
        wanted = [len(classes), *shape[1:]] if name in built.head else shape
        empty = torch.zeros(wanted, dtype=getattr(layer, own).dtype)
        if own in layer._parameters:
            layer._parameters[own] = torch.nn.Parameter(empty)
        else:
            layer._buffers[own] = empty
    _draw(built)
    count = sum(p.numel() for p in built.module.parameters())
    return replace(built, config=dict(config), entry=replace(built.entry, params=count))


def build(
    entry: ModelEntry, spec: ModelSpec, classes: tuple[str, ...] | None, seed: int
) -> BuiltModel:
    """The model of a folder that `save` wrote; with a new head where `classes` are given."""
    from safetensors.torch import load_file

    folder = Path(entry.location)
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        own, preprocessing = tuple(config.pop("classes")), config.pop("preprocessing")
        weights = load_file(folder / "model.safetensors")
        built = restore(config, tuple(classes or own))
        if classes is not None and tuple(classes) != own:
            weights = {k: v for k, v in weights.items() if k not in built.head}
        missing = set(built.module.state_dict()) - set(weights) - set(built.head)
        if missing:
            raise KeyError(sorted(missing)[0])
        built.module.load_state_dict(weights, strict=False)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).split("\n")[0][:160]
        raise LeptonError(f"{folder.name} is no whole pruned model.", reason) from error
    return replace(
        built, preprocessing=preprocessing, weights=f"folder {folder.name}", pretrained=True
    )


def save(built: BuiltModel, folder: Path) -> list[str]:
    """`model.safetensors` and `config.json`, which `lab.load_model(FOLDER)` reads; see `building.save_pretrained`."""
    from safetensors.torch import save as to_bytes

    about = {**built.config, "task": built.entry.task, "family": built.entry.family}
    about |= {"classes": list(built.classes), "preprocessing": built.preprocessing}
    state = {name: value.contiguous() for name, value in built.module.state_dict().items()}
    (folder / "config.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    (folder / "model.safetensors").write_bytes(to_bytes(state, {"format": "pt"}))
    return ["config.json", "model.safetensors"]


def _draw(built: BuiltModel) -> None:
    """Random weights for a head that was cut: the others are loaded, a new head may not be."""
    import torch

    for name, parameter in built.module.named_parameters():
        if name in built.head and parameter.ndim > 1:
            torch.nn.init.trunc_normal_(parameter, std=0.02, generator=torch.Generator().manual_seed(0))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, Sequence) else value


RECORD = Framework(SOURCE, "Models of the other libraries with fewer channels.", build, restore, save)
