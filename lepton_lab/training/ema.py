# SPDX-License-Identifier: BSD-3-Clause
"""The running average of the weights, which often evaluates better than the last ones (Polyak 1992)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class WeightAverage:
    """Exponential moving average of parameters and buffers, with a warm-up of its decay.

    The decay at step t is min(decay, (1 + t) / (10 + t)), so that short runs are averaged too.

    Args:
        module: The model whose weights are averaged.
        decay: In (0, 1).
    """

    def __init__(self, module: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: torch.nn.Module, step: int) -> None:
        """Take the weights after `step` optimizer steps into the average."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            average = self.state[name]
            if average.dtype.is_floating_point:
                average.lerp_(value, 1.0 - decay)
            else:
                average.copy_(value)

    @contextmanager
    def applied(self, module: torch.nn.Module) -> Iterator[None]:
        """The module with the averaged weights inside the block, its own ones after it."""
        own = {name: value.detach().clone() for name, value in module.state_dict().items()}
        module.load_state_dict(self.state)
        try:
            yield
        finally:
            module.load_state_dict(own)
