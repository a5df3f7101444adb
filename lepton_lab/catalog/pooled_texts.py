# SPDX-License-Identifier: BSD-3-Clause
"""Sentence models: one vector for a text, pooled from those of its tokens, and a linear layer that classifies it.

The heads of transformers look at the first token through a layer that a sentence model never trained. A folder
that sentence-transformers wrote says in `1_Pooling/config.json` how its vectors are pooled, and so does one
that is written here: `transformers.AutoModel` reads the backbone of it, our head lies beside it in a file
of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.catalog import hub
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.transformers_common import BARE, Auto
from lepton_lab.errors import WeightsError

if TYPE_CHECKING:
    from lepton_lab.catalog.logits import PooledText

RULE = "1_Pooling/config.json"
HEAD = "head.safetensors"
BACKBONES = Auto(BARE, "text model")
READS = {
    name: "transformers alone reads the backbone: AutoModel.from_pretrained('.'). The classifier is "
    f"head.safetensors (weight, bias) on {what} of its last hidden state."
    for name, what in {
        "mean": "the mean over the tokens under the attention mask",
        "first": "the first token",
    }.items()
}
_MODES = {
    "mean": ("pooling_mode_mean_tokens", "mean"),
    "first": ("pooling_mode_cls_token", "cls"),
}


def pooling_of(entry: ModelEntry, folder: Path, raw: Mapping[str, Any]) -> str:
    """How a checkpoint pools the vectors of its tokens: "mean" or "first"; empty when it says nothing of it.

    Args:
        entry: The checkpoint, asked on the hub where it comes from there.
        folder: With its configuration.
        raw: That configuration.
    """
    named = [str(name) for name in raw.get("architectures") or ()]
    if raw.get("is_encoder_decoder") or any("For" in name for name in named):
        return ""
    path: Path | None = folder / RULE
    if not entry.location and entry.hub_id:
        path = hub.fetch_optional(entry.hub_id, RULE)
    try:
        rule = json.loads(path.read_text("utf-8")) if path else {}
    except (OSError, ValueError):
        return ""
    said = rule if isinstance(rule, dict) else {}
    flags = {key for key, value in said.items() if key.startswith("pooling_mode_") and value is True}
    for name, (flag, word) in _MODES.items():
        if flags == {flag} or said.get("pooling_mode") == word:
            return name
    return ""


def load_head(module: PooledText, folder: Path, name: str) -> bool:
    """Load the head that lies in a folder; whether there is one.

    Raises:
        WeightsError: It does not fit the model.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / HEAD
    if not path.is_file():
        return False
    try:
        module.head.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError) as error:
        raise WeightsError(
            f"{HEAD} does not fit {name}.",
            str(error).strip().split("\n")[-1].strip()[:160],
            "Take all files of the folder from one and the same export.",
        ) from error
    return True


def save_head(module: PooledText, folder: Path) -> None:
    """Write the head, and the rule as sentence-transformers reads it, beside a saved backbone."""
    from safetensors.torch import save_file

    state = {name: value.detach().cpu().contiguous() for name, value in module.head.state_dict().items()}
    save_file(state, folder / HEAD, {"format": "pt"})
    rule = {
        "word_embedding_dimension": module.head.in_features,
        **{flag: module.pooling == name for name, (flag, _) in _MODES.items()},
    }
    (folder / RULE).parent.mkdir(exist_ok=True)
    (folder / RULE).write_text(json.dumps(rule, indent=2) + "\n", "utf-8")
