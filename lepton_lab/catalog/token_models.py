# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers of tokens from transformers: a label for each token of a text. Built as texts are."""

from __future__ import annotations

from lepton_lab.catalog.building import Framework
from lepton_lab.catalog.text_models import TextBuilder, save
from lepton_lab.catalog.transformers_common import Auto

TOKENS = TextBuilder(
    Auto("MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING", "classifier of tokens"),
    "transformers-tokens",
    "token-classification",
)
RECORD = Framework(
    TOKENS.source, "Classifiers of tokens from transformers.", TOKENS.build, TOKENS.restore, save
)
