# SPDX-License-Identifier: BSD-3-Clause
"""Text classification: encoders of transformers that are known to be good to start from.

Parameters are those of the backbone. Any other encoder of the hub, or a folder, is loaded by its name.
"""

from __future__ import annotations

from lepton_lab.catalog.entry import ModelEntry


def _entry(name: str, family: str, millions: float, licence: str, about: str) -> ModelEntry:
    return ModelEntry(
        name=name,
        source="transformers",
        task="text-classification",
        family=family,
        params=round(millions * 1e6),
        input_size=(),
        licence=licence,
        hub_id=name,
        description=about,
    )


ENTRIES: tuple[ModelEntry, ...] = (
    _entry(
        "sentence-transformers/all-MiniLM-L6-v2", "bert", 22.7, "apache-2.0",
        "MiniLM, 6 layers, English: small, quick, and good with few examples.",
    ),
    _entry(
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "bert", 117.7, "apache-2.0",
        "MiniLM, 12 narrow layers, 50 languages: good with few examples.",
    ),
    _entry(
        "distilbert/distilbert-base-uncased", "distilbert", 66.4, "apache-2.0",
        "DistilBERT, English: half of BERT's layers, most of its quality.",
    ),
    _entry(
        "distilbert/distilbert-base-multilingual-cased", "distilbert", 134.7, "apache-2.0",
        "DistilBERT, 104 languages.",
    ),
    _entry(
        "google-bert/bert-base-uncased", "bert", 109.5, "apache-2.0",
        "BERT base, English, lower case: what others are compared with.",
    ),
    _entry(
        "google-bert/bert-base-multilingual-cased", "bert", 177.9, "apache-2.0",
        "BERT base, 104 languages.",
    ),
    _entry(
        "FacebookAI/roberta-base", "roberta", 124.6, "mit",
        "RoBERTa base, English: better trained than BERT.",
    ),
    _entry(
        "FacebookAI/xlm-roberta-base", "xlm-roberta", 278.0, "mit",
        "XLM-RoBERTa base, 100 languages.",
    ),
    _entry(
        "google/electra-small-discriminator", "electra", 13.5, "apache-2.0",
        "ELECTRA small, English: the smallest one that is good.",
    ),
    _entry(
        "google/electra-base-discriminator", "electra", 108.9, "apache-2.0",
        "ELECTRA base, English.",
    ),
    _entry(
        "answerdotai/ModernBERT-base", "modernbert", 149.0, "apache-2.0",
        "ModernBERT base, English: texts of up to 8192 tokens.",
    ),
    _entry(
        "microsoft/deberta-v3-base", "deberta-v2", 183.8, "mit",
        "DeBERTa v3 base, English: accurate and slow.",
    ),
)  # fmt: skip
