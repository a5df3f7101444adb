# SPDX-License-Identifier: BSD-3-Clause
"""Rows of the index for timm: one per pretrained tag, one per architecture without any.

The rows of an architecture stay in timm's own order of preference, so that the first one is its default.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def rows() -> Iterator[dict[str, Any]]:
    """All rows, by architecture, the default tag of each first."""
    import timm
    from timm.models._registry import _model_default_cfgs

    for architecture in sorted(timm.list_models()):
        defaults = _model_default_cfgs[architecture]
        counted: dict[tuple[Any, ...], int] = {}
        tags = [tag for tag in defaults.tags if defaults.cfgs[tag].has_weights]
        for tag in tags or list(defaults.tags)[:1]:
            yield _row(architecture, tag if tags else "", counted)


def _row(architecture: str, tag: str, counted: dict[tuple[Any, ...], int]) -> dict[str, Any]:
    import timm

    name = f"{architecture}.{tag}" if tag else architecture
    # Looked up by name, not taken from the list above: only then is the repository's name complete.
    config = timm.get_pretrained_cfg(name).to_dict()
    key = (
        config["num_classes"],
        tuple(config["input_size"]) if config.get("fixed_input_size") else (),
    )
    if key not in counted:
        counted[key] = count_parameters(name)
    return {
        "name": name,
        "source": "timm",
        "family": family(architecture),
        "params": counted[key],
        "input_size": list(config["input_size"]),
        "mean": list(config["mean"]),
        "std": list(config["std"]),
        "interpolation": config["interpolation"],
        "crop_pct": config["crop_pct"],
        "crop_mode": config["crop_mode"],
        "num_classes": config["num_classes"],
        "fixed_input": bool(config.get("fixed_input_size")),
        "licence": _licence(config.get("license")),
        "hub_id": config.get("hf_hub_id", "") if tag else "",
        "paper": _paper(config.get("paper_ids")),
    }


def count_parameters(name: str) -> int:
    """Trainable and fixed parameters of a timm model, without allocating one."""
    import timm
    import torch

    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False)
    return sum(parameter.numel() for parameter in model.parameters())


def family(architecture: str) -> str:
    """The module of timm that defines an architecture, such as "resnet" or "vision_transformer"."""
    from timm.models._registry import _model_to_module

    return _model_to_module[architecture]


def _licence(value: str | None) -> str:
    return "" if value in (None, "unknown") else value


def _paper(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(value or ())
