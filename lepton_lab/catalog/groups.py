# SPDX-License-Identifier: BSD-3-Clause
"""A module's parameters by depth, input first and head last.

Layer-wise learning-rate decay (BEiT, arXiv 2106.08254) and freezing of the first layers both need it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def timm_groups(module: Any, head: Sequence[str]) -> list[list[str]]:
    """Groups of a timm model by its own `group_matcher`; by name where it has none."""
    from timm.models import group_parameters

    try:
        layers = group_parameters(module, module.group_matcher(coarse=False), reverse=True)
    except (AttributeError, TypeError, NotImplementedError):
        return named_groups(module, head)
    return ordered(module, head, lambda name: (layers.get(name, max(layers.values())),))


def named_groups(module: torch.nn.Module, head: Sequence[str]) -> list[list[str]]:
    """Groups by the numbers in the names of layers, stages and blocks; what has none goes with its neighbour before."""
    order: dict[str, tuple[int, ...]] = {}
    before: tuple[int, ...] = ()
    for name, _ in module.named_parameters():
        numbers = tuple(int(number) for number in re.findall(r"(?<=\.)\d+(?=\.)", name)[:2])
        before = numbers or before
        order[name] = before
    return ordered(module, head, order.__getitem__)


def ordered(
    module: torch.nn.Module, head: Sequence[str], depth: Callable[[str], tuple[Any, ...]]
) -> list[list[str]]:
    """Every parameter once: groups in order of `depth`, the head as the last one."""
    heads = set(head)
    found: dict[tuple[Any, ...], list[str]] = {}
    for name, _ in module.named_parameters():
        if name not in heads:
            found.setdefault(depth(name), []).append(name)
    groups = [found[key] for key in sorted(found)]
    return [*groups, list(head)] if head else groups
