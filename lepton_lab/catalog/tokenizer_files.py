# SPDX-License-Identifier: BSD-3-Clause
"""The tokenizer of a checkpoint as one file, whatever files it came in, and what the model takes of it.

The library converts vocabularies and SentencePiece models of older checkpoints itself. A tokenizer that
exists only as Python code is refused: it could not go into an artifact.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lepton_lab.catalog import hub
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.transformers_common import first_line, quiet
from lepton_lab.errors import LeptonError

FILE = "tokenizer.json"
LONGEST = 512
CHARACTERS = 100_000
_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
_OLDER = (
    "vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "spm.model",
    "tokenizer.model",
)  # fmt: skip
_ENDLESS = 1_000_000


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer, read.

    Attributes:
        data: The content of `tokenizer.json`.
        pad: Number of the token that fills up.
        size: How many tokens it knows.
        longest: Tokens of a text that its author allows; 0 where there is no limit.
        inputs: Names of the arrays that it makes for its model.
        settings: What `tokenizer_config.json` says of it, for a folder that transformers loads itself.
    """

    data: bytes
    pad: int
    size: int
    longest: int
    inputs: tuple[str, ...]
    settings: dict[str, Any]


def folder_of(entry: ModelEntry) -> Path:
    """The folder with the configuration and the tokenizer of an entry, fetched where it is on the hub.

    Raises:
        WeightsError: They are not here and cannot be fetched.
        LeptonError: The entry is a bare architecture, which has no tokenizer.
    """
    if entry.location:
        return Path(entry.location)
    if not entry.hub_id:
        raise LeptonError(
            f"{entry.name} is an architecture without a tokenizer.",
            "A text model needs the vocabulary that it was trained with.",
            "%lepton models --task=text-classification",
        )
    folder = hub.fetch(entry.hub_id, "config.json").parent
    names: tuple[str, ...] = _SETTINGS
    if hub.fetch_optional(entry.hub_id, FILE) is None:
        names = (*_SETTINGS, *_OLDER)
    for name in names:
        hub.fetch_optional(entry.hub_id, name)
    return folder


def read_tokenizer(folder: Path, name: str) -> Tokenizer:
    """The tokenizer of a folder.

    Args:
        folder: In transformers' layout.
        name: Of the model, for messages.

    Raises:
        LeptonError: There is none, it is damaged, or it exists only as Python code.
    """
    from transformers import AutoTokenizer

    todo = f"Put {FILE} of the checkpoint beside config.json in {folder.name}."
    if not any((folder / file).is_file() for file in (FILE, *_OLDER)):
        # The library would make one that knows no word.
        raise LeptonError(
            f"{name} has no tokenizer.", f"There is no {FILE} in {folder.name}.", todo
        )
    try:
        with quiet():
            found: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # a damaged or missing file fails in many ways inside the library
        raise LeptonError(
            f"{name} has no tokenizer that can be read.",
            first_line(error),
            todo,
        ) from error
    backend = getattr(found, "backend_tokenizer", None)
    if backend is None:
        raise LeptonError(
            f"The tokenizer of {name} exists only as Python code ({type(found).__name__}).",
            "It could not run inside an artifact.",
            "Choose a checkpoint with a tokenizer.json: %lepton models --task=text-classification",
        )
    backend.no_padding()
    backend.no_truncation()
    pad = next(
        (n for n in (found.pad_token_id, found.eos_token_id, found.unk_token_id) if n is not None),
        0,
    )
    longest = int(found.model_max_length) if 0 < found.model_max_length < _ENDLESS else 0
    return Tokenizer(
        data=backend.to_str().encode("utf-8"),
        pad=int(pad),
        size=int(backend.get_vocab_size(with_added_tokens=True)),
        longest=longest,
        inputs=tuple(found.model_input_names),
        settings={
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_input_names": list(found.model_input_names),
            **({"model_max_length": longest} if longest else {}),
            **{
                key: str(value)
                for key, value in found.special_tokens_map.items()
                if isinstance(value, str)
            },
        },
    )


def text_rule(
    model: Any, tokenizer: Tokenizer, name: str, max_length: int | None
) -> dict[str, Any]:
    """The preprocessing of a text model: see `lepton_lab.runtime.text_input.TextPreparer`.

    Args:
        model: The transformers model.
        tokenizer: Its tokenizer.
        name: Of the model, for messages.
        max_length: Tokens of a text; None takes what the model allows, at most 512.

    Raises:
        LeptonError: The tokenizer is another model's, or the model cannot take such long texts.
    """
    rows = model.get_input_embeddings().num_embeddings
    if tokenizer.size > rows:
        raise LeptonError(
            f"The tokenizer of {name} is not that of its weights.",
            f"It knows {tokenizer.size} tokens; the model has vectors for {rows}.",
            "Take config.json, tokenizer.json and model.safetensors of the same checkpoint.",
        )
    limit = longest_text(model, tokenizer)
    if max_length is not None and limit and max_length > limit:
        raise LeptonError(
            f"{name} takes at most {limit} tokens.",
            f"{max_length} were asked for.",
            f"max_length={limit}",
        )
    takes = inspect.signature(model.forward).parameters
    inputs = ["input_ids", "attention_mask"]
    typed = getattr(model.config, "type_vocab_size", 2) > 1
    if typed and "token_type_ids" in takes and "token_type_ids" in tokenizer.inputs:
        inputs.append("token_type_ids")
    return {
        "kind": "text",
        "tokenizer": FILE,
        "max_length": max_length or min(limit or LONGEST, LONGEST),
        "characters": CHARACTERS,
        "inputs": inputs,
        "pad": tokenizer.pad,
    }


def longest_text(model: Any, tokenizer: Tokenizer) -> int:
    """Tokens that a model has positions for, and its tokenizer allows; 0 where nothing limits them."""
    import torch

    positions = getattr(model.config, "max_position_embeddings", 0) or 0
    for key, part in model.named_modules():
        learned = isinstance(part, torch.nn.Embedding) and "position" in key.rpartition(".")[2]
        if learned and part.num_embeddings == positions and part.padding_idx is not None:
            # The RoBERTa family counts positions from behind the one of its padding.
            positions -= part.padding_idx + 1
    limits = [n for n in (positions, tokenizer.longest) if n > 0]
    return min(limits, default=0)
