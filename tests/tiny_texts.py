# SPDX-License-Identifier: BSD-3-Clause
"""A tiny text model in transformers' layout, with a tokenizer trained on the spot; and texts to learn from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

WORDS = {
    "food": "soup bread cheese apple dinner lunch sugar salt rice tea".split(),
    "sport": "ball goal match team race score swim coach win run".split(),
    "money": "bank loan price tax cash coin debt rent fee wage".split(),
}
FILLERS = "the a we they very some with and for today".split()


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


def make_text_model(folder: Path, *, kind: str = "bert", layers: int = 1, seed: int = 0) -> Path:
    """A folder with random weights of a few thousand parameters and a WordPiece tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import AutoModel, BertConfig, RobertaConfig

    words = [" ".join([*FILLERS, *(word for part in WORDS.values() for word in part)])]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=160, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(words, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
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
