# SPDX-License-Identifier: BSD-3-Clause
"""The model of a text classification: a checkpoint of transformers, and what is to be known of its texts.

Whether a sample is a pair, what its labels are and on which scale a number was learned is written into the
preprocessing and into the checkpoint's own `config.json`, so that a folder of weights alone answers right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.errors import LeptonError
from lepton_lab.tasks.head_start import start_head

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset
    from lepton_lab.spec import ModelSpec

_LOOK_AT = 1000
_PROBLEMS = {
    "class": "single_label_classification",
    "classes": "multi_label_classification",
    "number": "regression",
}


def build(spec: ModelSpec, data: Dataset | None, seed: int) -> BuiltModel:
    """The model that a spec names, with a head for the labels of the data.

    Args:
        spec: Name, weights and longest text.
        data: Tells the labels and whether texts come in pairs; None keeps what the checkpoint says.
        seed: Of the new head.

    Raises:
        LeptonError: That model cannot do this task.
    """
    from lepton_lab.catalog.folder import framework, read_config
    from lepton_lab.catalog.lookup import find
    from lepton_lab.catalog.text_models import KEY, TEXTS

    entry = find(spec.name)
    source = framework(read_config(Path(entry.location))) if entry.location else entry.source
    if source != "transformers":
        raise LeptonError(
            f"{entry.name} does not read texts.",
            f"It is a model of {source or 'nobody'} for {entry.task}.",
            "%lepton models --task=text-classification",
        )
    built = TEXTS.build(entry, spec, None if data is None else data.classes, seed)
    kept = built.config["config"].get(KEY) or {}
    about = {
        "pair": bool(kept.get("pair", False)),
        "labels": kept.get("labels") or _labels_of(built),
        "target": kept.get("target"),
    }
    if data is not None:
        about = {"pair": is_pair(data), "labels": data.labels, "target": None}
        if data.labels == "number":
            about["target"] = scale_of(data.train.targets)
    if about["labels"] == "number":
        built.classes = ()
    use_texts(built, about)
    if data is not None:
        if built.config.get("pooling") and built.pretrained:
            built.notes += (_started(start_head(built, data, seed)),)
        built.notes += cut_notes(built, [data.train.read(i) for i in range(len(data.train))])
    return built


def _started(count: int) -> str:
    return f"The head starts as the best linear one on {count} training texts (arXiv 2202.10054)."


def cut_notes(built: BuiltModel, texts: Sequence[Any]) -> tuple[str, ...]:
    """How many of some texts are longer than what the model reads, and how much of them all that is.

    A text has at most about as many tokens as characters, so only long ones are tokenised here.
    """
    from lepton_lab.runtime.inputs import preparer

    ready: Any = preparer(built.preprocessing, built.files)
    most = int(built.preprocessing["max_length"])
    lengths = [len(t) if isinstance(t, str) else sum(map(len, t)) for t in texts]
    long = [text for text, length in zip(texts, lengths, strict=True) if length > most // 2]
    if len(long) > _LOOK_AT:
        long = long[:: -(-len(long) // _LOOK_AT)]
    cut = [count - most for count in map(ready.tokens, long) if count > most]
    if not cut:
        return ()
    which = "1 training text has" if len(cut) == 1 else f"{len(cut)} training texts have"
    lost = f"{sum(cut)} tokens behind it are not read"
    return (f"{which} more than {most} tokens (of {len(long)} long ones looked at): {lost}.",)


def use_texts(built: BuiltModel, about: Mapping[str, Any]) -> None:
    """Let a model know "pair", "labels" and "target" of its texts."""
    from lepton_lab.catalog.text_models import KEY

    rule, model = built.preprocessing, _inner(built)
    rule |= about
    built.config["text"] = rule
    kept = {**about, "max_length": rule["max_length"]}
    for config in (built.config["config"], model.config.__dict__):
        config[KEY] = dict(kept)
        config["problem_type"] = _PROBLEMS[about["labels"]]


def is_pair(data: Dataset) -> bool:
    """Whether the samples of a data set are two texts each."""
    return len(data.train) > 0 and not isinstance(data.train.read(0), str)


def scale_of(targets: np.ndarray) -> dict[str, float]:
    """Mean and spread of the numbers of train: a model learns them on a scale of its own.

    >>> scale_of(np.array([1.0, 3.0]))
    {'mean': 2.0, 'std': 1.0}
    """
    known = targets[np.isfinite(targets)]
    spread = float(known.std()) if len(known) else 0.0
    return {"mean": float(known.mean()) if len(known) else 0.0, "std": spread or 1.0}


def _labels_of(built: BuiltModel) -> str:
    """What the labels of a checkpoint from elsewhere are, as its configuration says."""
    config: Any = _inner(built).config
    named = {problem: kind for kind, problem in _PROBLEMS.items()}
    return named.get(config.problem_type or "", "number" if config.num_labels == 1 else "class")


def _inner(built: BuiltModel) -> Any:
    return built.module.model
