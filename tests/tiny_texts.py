# SPDX-License-Identifier: BSD-3-Clause
"""A tiny text model in transformers' layout, with a tokenizer trained on the spot; and texts to learn from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

WORDS = {
    "food": ["soup", "bread", "cheese", "apple", "dinner", "lunch", "sugar", "salt", "rice", "tea"],
    "sport": ["ball", "goal", "match", "team", "race", "score", "swim", "coach", "win", "run"],
    "money": ["bank", "loan", "price", "tax", "cash", "coin", "debt", "rent", "fee", "wage"],
}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
FILLERS = ["the", "a", "we", "they", "very", "some", "with", "and", "for", "today"]


def make_texts(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """(text, class) pairs of three topics, of 3 to 14 words."""
    random = np.random.default_rng(seed)
    found = []
    for i in range(count):
        name = list(WORDS)[i % len(WORDS)]
        own = random.choice(WORDS[name], random.integers(2, 6))
        other = random.choice(FILLERS, random.integers(1, 9))
        found.append((" ".join(random.permutation([*own, *other])), name))
    return found


def make_tokenizer(special: bool = True) -> Any:
    """A WordPiece tokenizer that knows the words of `make_texts`; [PAD] is 0, [CLS] 2, [SEP] 3."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    words = [*FILLERS, *(word for part in WORDS.values() for word in part)]
    letters = [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    vocabulary = {word: i for i, word in enumerate([*SPECIAL, *words, *letters])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if special:
        tokenizer.add_special_tokens(SPECIAL)
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
    return tokenizer


def make_text_model(folder: Path, *, kind: str = "bert", layers: int = 1, seed: int = 0) -> Path:
    """A folder in transformers' layout with random weights of a few thousand parameters."""
    import torch
    from transformers import AutoModel, BertConfig, RobertaConfig

    tokenizer = make_tokenizer()
    sizes = {
        "vocab_size": tokenizer.get_vocab_size(), "hidden_size": 32, "num_hidden_layers": layers, "num_attention_heads": 2,
        "intermediate_size": 48, "max_position_embeddings": 64, "pad_token_id": 0,
    }  # fmt: skip
    config = BertConfig(**sizes) if kind == "bert" else RobertaConfig(**sizes, type_vocab_size=1)
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64, "pad_token": "[PAD]", "unk_token": "[UNK]",
        "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]",
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder
