# SPDX-License-Identifier: BSD-3-Clause
"""The model of a token classification: a checkpoint of transformers, and the rule by which it reads words.

The rule is written into the checkpoint's own `config.json` too, so that a folder of weights alone reads
words as they were read in training.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError
from lepton_lab.runtime.words import split_words

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset
    from lepton_lab.spec import ModelSpec

KEY = "lepton_words"
LONGEST = 256  # sub-words of a window: most sentences fit, and attention stays cheap
WINDOWS = 16
_LOOK_AT = 2000


def build(spec: ModelSpec, data: Dataset | None, seed: int) -> BuiltModel:
    """The model that a spec names, with a head for the tags of the data.

    Args:
        spec: Name and weights.
        data: Its classes are the tags, its words tell how strings are to be split; None keeps the head
            of the checkpoint.
        seed: Of the new head.

    Raises:
        LeptonError: That model cannot do this task.
    """
    from lepton_lab.catalog.folder import framework, read_config
    from lepton_lab.catalog.lookup import find
    from lepton_lab.catalog.token_models import TOKENS

    entry = find(spec.name)
    source = framework(read_config(Path(entry.location))) if entry.location else entry.source
    if source != "transformers":
        raise LeptonError(
            f"{entry.name} does not read texts.",
            f"It is a model of {source or 'nobody'} for {entry.task}.",
            "%lepton models --task=token-classification",
        )
    built = TOKENS.build(entry, spec, None if data is None else data.classes, seed)
    kept = built.config["config"].get(KEY) or {}
    longest = int(built.preprocessing["max_length"])
    if getattr(spec, "max_length", None) is None:
        longest = min(int(kept.get("max_length", LONGEST)), longest)
    words = {
        "split": kept.get("split", "punctuation") if data is None else tell_split(_sentences(data)),
        "max_length": longest,
        "stride": longest // 4,
        "max_windows": WINDOWS,
    }
    use_words(built, words)
    return built


def use_words(built: BuiltModel, words: Mapping[str, Any]) -> None:
    """Let a model read words by a rule; see `lepton_lab.runtime.words_input.WordsPreparer`."""
    text: Any = built.preprocessing
    model: Any = built.module.model
    names = ("tokenizer", "inputs", "pad")
    rule = {"kind": "words", **{name: text[name] for name in names}, **words}
    built.preprocessing = built.config["text"] = rule
    built.config["config"][KEY] = dict(words)
    setattr(model.config, KEY, dict(words))


def tell_split(sentences: Iterable[Sequence[str]]) -> str:
    """By which rule strings become words like these.

    >>> tell_split([["Anna", "left", "."]]), tell_split([["Anna", "left."]])
    ('punctuation', 'whitespace')
    """
    alone, attached = 0, 0
    for word in (word for words in sentences for word in words):
        if word and all(unicodedata.category(character)[0] in "PS" for character in word):
            alone += 1
        else:
            attached += len(list(split_words(word, "punctuation"))) > 1
    return "whitespace" if attached > alone else "punctuation"


def _sentences(data: Dataset) -> list[Sequence[str]]:
    return [data.train[i].payload for i in range(min(len(data.train), _LOOK_AT))]
