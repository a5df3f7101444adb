# SPDX-License-Identifier: BSD-3-Clause
"""Several classifiers as one: the mean of their probabilities, given back as logits.

The softmax of what it returns is the mean, so that whatever takes a classifier takes this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


class Mixture(nn.Module):
    """The mean of several classifiers' probabilities.

    Args:
        members: Modules with the same inputs and logits (N, classes).
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, *inputs: Any, **named: Any) -> torch.Tensor:
        """Logarithms of the mean probabilities, float32 (N, classes)."""
        shares = [member(*inputs, **named).float().log_softmax(dim=-1) for member in self.members]
        return torch.logsumexp(torch.stack(shares), dim=0) - torch.log(
            torch.tensor(float(len(shares)))
        )
