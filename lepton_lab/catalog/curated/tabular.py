# SPDX-License-Identifier: BSD-3-Clause
"""Models of rows of a table: they come with Lepton Lab and are shaped by the table that they learn from.

One entry serves classification and regression: the table tells which of the two.
"""

from __future__ import annotations

from lepton_lab.catalog.entry import ModelEntry


def _entry(name: str, family: str, about: str) -> ModelEntry:
    return ModelEntry(
        name=name,
        source="tabular",
        task="tabular-classification",
        family=family,
        input_size=(),
        also=("tabular-regression",),
        licence="bsd-3-clause",
        description=about,
    )


ENTRIES: tuple[ModelEntry, ...] = (
    _entry(
        "lepton/mlp", "mlp",
        "An MLP on embedded columns, with periodic embeddings of numbers (arXiv 2203.05556): quick, and a good start.",
    ),
    _entry(
        "lepton/ft-transformer-small", "ft-transformer",
        "FT-Transformer (arXiv 2106.11959) with 2 blocks of width 48: for a CPU.",
    ),
    _entry(
        "lepton/ft-transformer", "ft-transformer",
        "FT-Transformer (arXiv 2106.11959) as published: 3 blocks of width 192; wants a GPU.",
    ),
)  # fmt: skip
