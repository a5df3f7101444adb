# SPDX-License-Identifier: BSD-3-Clause
"""Whether a model takes an image size, tried on torch's meta device before anything is fetched."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.errors import LeptonError

if TYPE_CHECKING:
    import torch

_STEPS = (32, 16, 14)


def check_size(entry: ModelEntry, size: int, make: Callable[[int], torch.nn.Module], channels: int) -> None:
    """Nothing, when an image of `size` passes through the module.

    Args:
        entry: The model.
        size: Side of the image in pixels.
        make: Image size -> module on the meta device, or an exception.
        channels: Channels of the image.

    Raises:
        LeptonError: It does not; the nearest sizes that do are named.
    """
    problem = _problem(size, make, channels)
    if problem is None:
        return
    own = entry.input_size[1]
    tried = [other for other in _candidates(size, own) if _problem(other, make, channels) is None]
    fitting = sorted(sorted(tried, key=lambda other: abs(other - size))[:2])
    named = " and ".join(str(other) for other in fitting)
    raise LeptonError(
        f"{entry.name} cannot take images of {size} x {size} pixels.",
        f"These sizes work: {named}." if fitting else f"It takes {own} x {own}. ({problem})",
        f"lab.load_model({entry.name!r}, image_size={min(fitting, key=lambda o: abs(o - size)) if fitting else own})",
    )


def _problem(size: int, make: Callable[[int], torch.nn.Module], channels: int) -> str | None:
    """Why a forward pass fails; None when it does not."""
    import torch

    try:
        module = make(size)
        # Meta tensors have shapes only: the pass costs no memory and next to no time.
        with torch.no_grad():
            module(torch.zeros(2, channels, size, size, device="meta"))
    except Exception as error:  # whatever a model raises for a size means that the size is not for it
        return str(error).strip().split("\n")[0][:120]
    return None


def _candidates(size: int, own: int) -> list[int]:
    """Sizes near the one asked for: the model's own, multiples of common strides and of its own size."""
    found = {own, own // 2, own * 2}
    for step in _STEPS:
        below = size // step * step
        found |= {below - step, below, below + step}
    return sorted(side for side in found if side >= 8 and side != size)
