# SPDX-License-Identifier: BSD-3-Clause
"""The number format of the forward pass: full, bf16 or fp16 with a scaled loss."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

FORMATS = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """Autocast and gradient scaling for a device.

    Args:
        name: fp32, bf16 or fp16.
        device: Where the model is.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.name, self.device = name, device
        self.scaler = torch.amp.GradScaler(
            device.type, enabled=name == "fp16" and device.type == "cuda"
        )

    def autocast(self) -> AbstractContextManager[object]:
        """The context of a forward pass."""
        if self.name == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=FORMATS[self.name])

    def backward(self, loss: torch.Tensor) -> None:
        """Gradients of the (scaled) loss."""
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def step(
        self, optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], clip: float
    ) -> torch.Tensor | None:
        """Clip the gradients' global norm (0 is off) and take the optimizer's step.

        Returns:
            That norm before it was clipped, shape (); None when nothing was clipped, or when the scaler itself
            passes over steps whose norm is not finite.
        """
        norm = None
        if clip > 0:
            self.scaler.unscale_(optimizer)
            norm = torch.nn.utils.clip_grad_norm_(parameters, clip)
        self.scaler.step(optimizer)
        self.scaler.update()
        optimizer.zero_grad(set_to_none=True)
        return None if self.scaler.is_enabled() else norm
