# SPDX-License-Identifier: BSD-3-Clause
"""Token classification: taggers of transformers, and an encoder that keeps upper and lower case.

Names are told by their case, so cased encoders are the better start. Any other encoder of the hub, or a
folder, is loaded by its name; its head is replaced by one for the tags of the data.
"""

from __future__ import annotations

from lepton_lab.catalog.entry import ModelEntry


def _entry(
    name: str, family: str, millions: float, tags: int, licence: str, about: str
) -> ModelEntry:
    return ModelEntry(
        name=name,
        source="transformers",
        task="token-classification",
        family=family,
        params=round(millions * 1e6),
        input_size=(),
        num_classes=tags,
        licence=licence,
        hub_id=name,
        description=about,
    )


ENTRIES: tuple[ModelEntry, ...] = (
    _entry(
        "dslim/distilbert-NER", "distilbert", 65.2, 9, "apache-2.0",
        "DistilBERT, English, trained on CoNLL-2003 (person, place, organization, other): small and quick.",
    ),
    _entry(
        "dslim/bert-base-NER", "bert", 107.7, 9, "mit",
        "BERT base, English, cased, trained on CoNLL-2003.",
    ),
    _entry(
        "dslim/bert-large-NER", "bert", 333.6, 9, "mit",
        "BERT large, English, cased, trained on CoNLL-2003: a little better and three times as slow.",
    ),
    _entry(
        "arnabdhar/xlm-roberta-base-wikineural", "xlm-roberta", 277.5, 9, "mit",
        "XLM-RoBERTa base, 9 European languages, trained on WikiNEuRal.",
    ),
    _entry(
        "Babelscape/wikineural-multilingual-ner", "bert", 177.3, 9, "cc-by-nc-sa-4.0",
        "BERT base, 9 European languages, trained on WikiNEuRal; not for commercial use.",
    ),
    _entry(
        "google-bert/bert-base-cased", "bert", 108.3, 0, "apache-2.0",
        "BERT base, English, cased, without a tagger: to train your own tags on.",
    ),
)  # fmt: skip
