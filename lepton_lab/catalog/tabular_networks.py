# SPDX-License-Identifier: BSD-3-Clause
"""Networks for rows of a table: an MLP and an FT-Transformer, both on embedded columns.

Their input is what `runtime.row_input` prepares: "numbers", float32 (N, n), about standard normal, and
"categories", int64 (N, m); either may be None where the table has no such column. A single number says
little to a linear layer, so each becomes a vector of sines and cosines of learned frequencies first
(Gorishniy et al., "On Embeddings for Numerical Features in Tabular Deep Learning", arXiv 2203.05556).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from lepton_lab.errors import LeptonError

_UNSEEN = 2


class Periodic(nn.Module):
    """Numbers (N, n) as vectors (N, n, width): the "PLR" embedding of arXiv 2203.05556, linear layer shared.

    Args:
        count: n.
        width: Length of a vector.
        frequencies: Sines, and as many cosines, per number.
        spread: Standard deviation of the frequencies at the start; larger ones follow steeper functions.
    """

    def __init__(self, count: int, width: int, frequencies: int = 24, spread: float = 0.1) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.randn(count, frequencies) * spread)
        self.linear = nn.Linear(2 * frequencies + 1, width)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """Float (N, n) to float (N, n, width)."""
        angle = 2 * math.pi * self.frequency * numbers[..., None]
        waves = torch.cat([torch.sin(angle), torch.cos(angle), numbers[..., None]], -1)
        return F.relu(self.linear(waves))


class Lookup(nn.Module):
    """Categories (N, m) as vectors (N, m, width), from one table for all columns.

    What training never saw and what is missing start as zeros, which say nothing.

    Args:
        sizes: Values of each column, those two included.
        width: Length of a vector.
    """

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        starts = [sum(sizes[:i]) for i in range(len(sizes))]
        self.register_buffer("start", torch.tensor(starts), persistent=False)
        self.start: torch.Tensor
        self.table = nn.Embedding(sum(sizes), width)
        with torch.no_grad():
            self.table.weight.uniform_(-1 / math.sqrt(width), 1 / math.sqrt(width))
            for start in starts:
                self.table.weight[start : start + _UNSEEN] = 0

    def forward(self, categories: torch.Tensor) -> torch.Tensor:
        """Int64 (N, m) to float (N, m, width)."""
        found: torch.Tensor = self.table(categories + self.start)
        return found


class Columns(nn.Module):
    """Every column of a row as a vector: (N, numbers + categories, width).

    Args:
        numbers: Number of numbers.
        sizes: Values of each category.
        width: Length of a vector.
    """

    def __init__(self, numbers: int, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.count, self.width = numbers + len(sizes), width
        self.periodic = Periodic(numbers, width) if numbers else None
        self.lookup = Lookup(sizes, width) if sizes else None

    def forward(
        self, numbers: torch.Tensor | None, categories: torch.Tensor | None
    ) -> torch.Tensor:
        """The vectors of the numbers, then those of the categories."""
        parts = []
        if self.periodic is not None and numbers is not None:
            parts.append(self.periodic(numbers))
        if self.lookup is not None and categories is not None:
            parts.append(self.lookup(categories))
        return torch.cat(parts, 1)


class RowMLP(nn.Module):
    """Embedded columns side by side through fully connected layers.

    Args:
        numbers: Number of numbers.
        sizes: Values of each category.
        outputs: Classes, or 1.
        width: Length of a column's vector.
        hidden: Width of the layers.
        depth: Their number.
        dropout: Share of each layer that is dropped in training.
    """

    def __init__(
        self,
        numbers: int,
        sizes: Sequence[int],
        outputs: int,
        *,
        width: int = 12,
        hidden: int = 192,
        depth: int = 3,
        dropout: float = 0.15,
    ) -> None:
        super().__init__()
        self.columns = Columns(numbers, sizes, width)
        widths = [self.columns.count * width, *[hidden] * depth]
        self.layers = nn.ModuleList(nn.Linear(widths[i], widths[i + 1]) for i in range(depth))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, outputs)

    def forward(
        self, numbers: torch.Tensor | None, categories: torch.Tensor | None
    ) -> torch.Tensor:
        """Rows to logits, or to the standardised number, (N, outputs)."""
        x = self.columns(numbers, categories).flatten(1)
        for layer in self.layers:
            x = self.dropout(F.relu(layer(x)))
        found: torch.Tensor = self.head(x)
        return found


class Block(nn.Module):
    """A transformer block with normalization first and a gated feed-forward part (ReGLU)."""

    def __init__(self, width: int, heads: int, attention_dropout: float, dropout: float) -> None:
        super().__init__()
        self.heads, self.attention_dropout = heads, attention_dropout
        inner = width * 4 // 3
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.expand, self.shrink = nn.Linear(width, 2 * inner), nn.Linear(inner, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, tokens, width) to the same."""
        parts = self.query_key_value(self.norm1(x)).unflatten(-1, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        share = self.attention_dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(query, key, value, dropout_p=share)
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        up, gate = self.expand(self.norm2(x)).chunk(2, -1)
        found: torch.Tensor = x + self.shrink(self.dropout(up * F.relu(gate)))
        return found


class FTTransformer(nn.Module):
    """Each column is a token, and so is what answers (arXiv 2106.11959); numbers by periodic embeddings.

    Args:
        numbers: Number of numbers.
        sizes: Values of each category.
        outputs: Classes, or 1.
        width: Length of a token; a multiple of `heads`.
        depth: Blocks.
        heads: Attention heads.
        attention_dropout: Share of the attention that is dropped in training.
        dropout: Share of the feed-forward part that is dropped.
    """

    def __init__(
        self,
        numbers: int,
        sizes: Sequence[int],
        outputs: int,
        *,
        width: int = 192,
        depth: int = 3,
        heads: int = 8,
        attention_dropout: float = 0.2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.columns = Columns(numbers, sizes, width)
        self.place = nn.Parameter(torch.empty(self.columns.count, width))
        self.answer = nn.Parameter(torch.empty(1, 1, width))
        for parameter in (self.place, self.answer):
            nn.init.uniform_(parameter, -1 / math.sqrt(width), 1 / math.sqrt(width))
        self.blocks = nn.ModuleList(
            Block(width, heads, attention_dropout, dropout) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs)

    def forward(
        self, numbers: torch.Tensor | None, categories: torch.Tensor | None
    ) -> torch.Tensor:
        """Rows to logits, or to the standardised number, (N, outputs)."""
        x = self.columns(numbers, categories) + self.place
        x = torch.cat([self.answer.expand(x.shape[0], -1, -1), x], 1)
        for block in self.blocks:
            x = block(x)
        found: torch.Tensor = self.head(F.relu(self.norm(x[:, 0])))
        return found


class Awaiting(nn.Module):
    """Stands where the network will be once its table is known.

    Args:
        name: Of the model.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.empty = nn.Parameter(torch.zeros(0))

    def forward(self, *inputs: torch.Tensor | None) -> torch.Tensor:
        """Refused."""
        raise LeptonError(
            f"{self.name} has not seen a table yet.",
            "How many columns there are, and of which kind, decides its shape.",
            "model.train(lab.data('customers.csv'))",
        )
