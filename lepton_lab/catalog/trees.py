# SPDX-License-Identifier: BSD-3-Clause
"""Boosted trees as a torch module: tables of numbers, no pickle, no code.

A forest that scikit-learn grew is five tables (which column, which threshold, where to go left and
right, the value of a leaf). As a module it is saved, exported and compared with its export exactly as
any other model here. It is not trained by gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

Tree = dict[str, np.ndarray]
"""Of one tree, each (nodes,): feature, threshold, left, right (int; a leaf goes to itself), value."""


class Trees(nn.Module):
    """Rows to the sum of the leaves that they fall into.

    Args:
        trees: Number of trees; tree t adds to output t modulo the raw outputs.
        nodes: Nodes of the largest one.
        depth: Steps from the root to the deepest leaf.
        outputs: Classes, or 1 for a number. Two classes have one raw output, the log odds of the second.
    """

    def __init__(self, trees: int, nodes: int, depth: int, outputs: int) -> None:
        super().__init__()
        self.depth, self.outputs = depth, outputs
        self.raw = 1 if outputs <= 2 else outputs
        for name in ("feature", "left", "right"):
            self.register_buffer(name, torch.zeros(trees, nodes, dtype=torch.int64))
        self.register_buffer("threshold", torch.zeros(trees, nodes))
        self.value = nn.Parameter(torch.zeros(trees, nodes), requires_grad=False)
        self.base = nn.Parameter(torch.zeros(self.raw), requires_grad=False)
        self.register_buffer("root", torch.arange(trees) * nodes, persistent=False)
        self.feature: torch.Tensor
        self.left: torch.Tensor
        self.right: torch.Tensor
        self.threshold: torch.Tensor
        self.root: torch.Tensor

    @classmethod
    def of(cls, trees: Sequence[Tree], base: np.ndarray, depth: int, outputs: int) -> Trees:
        """The module of trees grown elsewhere; thresholds are met as `x <= threshold` in float32.

        Args:
            trees: One after the other, all outputs of an iteration together.
            base: What is added to the sums, (raw outputs,).
            depth: Of the deepest leaf.
            outputs: Classes, or 1.
        """
        found = cls(len(trees), max(len(tree["value"]) for tree in trees), depth, outputs)
        for i, tree in enumerate(trees):
            for name, values in tree.items():
                getattr(found, name)[i, : len(values)] = torch.from_numpy(_single(name, values))
        found.base.copy_(torch.from_numpy(np.asarray(base, np.float32).reshape(-1)))
        return found.eval()

    def forward(
        self, numbers: torch.Tensor | None, categories: torch.Tensor | None
    ) -> torch.Tensor:
        """Rows to logits, or to the standardised number, (N, outputs)."""
        parts = [x.float() for x in (numbers, categories) if x is not None]
        x = torch.cat(parts, 1)
        feature, threshold = self.feature.flatten(), self.threshold.flatten()
        left, right = ((side + self.root[:, None]).flatten() for side in (self.left, self.right))
        node = self.root.expand(x.shape[0], -1)
        for _ in range(self.depth):
            low = torch.gather(x, 1, feature[node]) <= threshold[node]
            node = torch.where(low, left[node], right[node])
        leaves = self.value.flatten()[node].reshape(x.shape[0], -1, self.raw)
        sums: torch.Tensor = leaves.sum(1) + self.base
        return torch.cat([torch.zeros_like(sums), sums], 1) if self.outputs == 2 else sums


def from_scikit_learn(model: Any, outputs: int) -> Trees:
    """The module of a fitted histogram gradient boosting model without categorical splits.

    Args:
        model: HistGradientBoostingClassifier or -Regressor, fitted on rows without NaN.
        outputs: Classes, or 1.
    """
    grown = [tree.nodes for iteration in model._predictors for tree in iteration]
    trees, depth = [], 1
    for nodes in grown:
        leaf = nodes["is_leaf"].astype(bool)
        itself = np.arange(len(nodes))
        depth = max(depth, int(nodes["depth"].max()))
        trees.append(
            {
                "feature": np.where(leaf, 0, nodes["feature_idx"]),
                "threshold": np.where(leaf, 0.0, nodes["num_threshold"]),
                "left": np.where(leaf, itself, nodes["left"]),
                "right": np.where(leaf, itself, nodes["right"]),
                "value": np.where(leaf, nodes["value"], 0.0),
            }
        )
    return Trees.of(trees, model._baseline_prediction, depth, outputs)


def _single(name: str, values: np.ndarray) -> np.ndarray:
    """Values in the module's type. A threshold is rounded down, so that float32 rows fall as before."""
    if name not in ("threshold", "value"):
        return values.astype(np.int64)
    found = values.astype(np.float32)
    if name == "threshold":
        over = found.astype(np.float64) > values
        found[over] = np.nextafter(found[over], np.float32(-np.inf))
    return found
