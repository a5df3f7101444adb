# SPDX-License-Identifier: BSD-3-Clause
"""Which parameters train, at which rate, under which optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from lepton_lab.errors import NotFoundError, SpecError, did_you_mean


def freeze(module: torch.nn.Module, groups: Sequence[Sequence[str]], asked: int | str) -> int:
    """Fix the first layer groups. Returns how many parameters still train.

    Args:
        module: The model.
        groups: Parameter names by depth, the head last.
        asked: none, backbone (all but the head), or a number of groups.

    Raises:
        SpecError: `asked` is none of these, or leaves nothing to train.
    """
    count = {"none": 0, "backbone": len(groups) - 1}.get(str(asked), -1)
    if count < 0:
        if not str(asked).isdigit() or int(asked) >= len(groups):
            raise SpecError(
                f'`--freeze` needs none, backbone or a number below {len(groups)}; got "{asked}".',
                f"This model has {len(groups)} layer groups, the head included.",
                "--freeze=backbone",
            )
        count = int(asked)
    fixed = {name for group in groups[:count] for name in group}
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name not in fixed)
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def training_mode(module: torch.nn.Module) -> None:
    """`module.train()`, except that normalization layers whose parameters are fixed keep their statistics."""
    module.train()
    for layer in module.modules():
        own = list(layer.parameters(recurse=False))
        if own and not any(p.requires_grad for p in own) and hasattr(layer, "running_mean"):
            layer.eval()


def parameter_groups(
    module: torch.nn.Module,
    groups: Sequence[Sequence[str]],
    *,
    layer_decay: float,
    weight_decay: float,
) -> list[dict[str, Any]]:
    """Optimizer groups with `factor`, the share of the learning rate; norms and biases have no decay.

    Layer-wise decay multiplies the rate by `layer_decay` for each group below the head
    (arXiv 1801.06146, 2003.10555).
    """
    table = dict(module.named_parameters())
    made: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for depth, names in enumerate(groups):
        factor = layer_decay ** (len(groups) - 1 - depth)
        for name in names:
            parameter = table.get(name)
            if parameter is not None and parameter.requires_grad:
                decay = 0.0 if parameter.ndim <= 1 or name.endswith(".bias") else weight_decay
                made.setdefault((factor, decay), []).append(parameter)
    return [
        {"params": p, "factor": f, "weight_decay": d, "decays": d > 0} for (f, d), p in made.items()
    ]


def create(
    name: str, groups: list[dict[str, Any]], learning_rate: float, device: str
) -> torch.optim.Optimizer:
    """The optimizer called `name`: AdamW, Adam and SGD of torch (fused where it can), others of timm.

    Raises:
        NotFoundError: Nobody has one of that name; the nearest names are given.
    """
    word = name.lower()
    fused = device == "cpu" or device.startswith("cuda")
    if word == "adamw":
        return torch.optim.AdamW(groups, lr=learning_rate, fused=fused)
    if word == "adam":
        return torch.optim.Adam(groups, lr=learning_rate, fused=fused)
    if word == "sgd":
        return torch.optim.SGD(groups, lr=learning_rate, momentum=0.9, nesterov=True, fused=fused)
    from timm.optim._optim_factory import create_optimizer_v2

    known = ["adamw", "adam", "sgd", *optimizer_names()]
    if word not in known:
        raise NotFoundError(
            f"No optimizer is called '{name}'.",
            did_you_mean(word, known) or "Usual ones: adamw, sgd, lion.",
            "--optimizer=adamw",
        )
    optimizer: torch.optim.Optimizer = create_optimizer_v2(groups, opt=word, lr=learning_rate)
    return optimizer


def optimizer_names() -> list[str]:
    """The names of timm's optimizers."""
    from timm.optim._optim_factory import list_optimizers

    return [str(name) for name in list_optimizers()]


def restore(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load a saved state; its tensors get the memory layout of their parameters.

    Fused optimizers walk through raw memory: with channels-last weights and contiguous moments they would pair the
    wrong elements without an error.
    """
    optimizer.load_state_dict(state)
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                values[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
