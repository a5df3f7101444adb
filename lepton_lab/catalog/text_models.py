# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers of texts from transformers, each with the tokenizer that its weights were trained with.

`TextBuilder` makes them for one family of heads; texts as a whole are registered here, their tokens in
`token_models`. What lies outside the backbone, and what a checkpoint lacks, starts anew and counts as head.
A checkpoint that was trained to give one vector for a text gets the head of `pooled_texts`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lepton_lab.catalog import tokenizer_files
from lepton_lab.catalog import weights as weight_files
from lepton_lab.catalog.building import BuiltModel, Framework, seeded
from lepton_lab.catalog.class_names import unique
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.folder import read_config
from lepton_lab.catalog.groups import named_groups
from lepton_lab.catalog.pooled_texts import BACKBONES, READS, RULE, load_head, pooling_of, save_head
from lepton_lab.catalog.transformers_common import (
    PREFIX,
    Auto,
    config_object,
    label_names,
    labelled,
    quiet,
    safe_config,
    transfer,
)
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec

# What a checkpoint that was trained here says about its texts, in its own config.json.
KEY = "lepton_text"
ONE_NUMBER = ("score",)
_WIDE = 700


@dataclass(frozen=True)
class TextBuilder:
    """Builds models with one family of heads.

    Attributes:
        auto: The classes of the library.
        source: Name of the framework in the configuration of its models.
        task: The task of its models.
        pools: Whether a checkpoint that pools its tokens is classified by the pooled vector.
    """

    auto: Auto
    source: str
    task: str
    pools: bool = False

    def build(
        self,
        entry: ModelEntry,
        spec: ModelSpec,
        classes: tuple[str, ...] | None,
        seed: int,
    ) -> BuiltModel:
        """The module of an entry, with a new head where `classes` are given; see `building.build`.

        Args:
            entry: A checkpoint of the hub or a local folder.
            spec: Weights and the longest text (`max_length`).
            classes: Names of the outputs, none for one number; None keeps the head of the checkpoint.
            seed: Seed of what starts anew.
        """
        if spec.image_size:
            raise LeptonError(
                f"{entry.name} reads texts.", "image_size was given.", "Leave it out."
            )
        folder = tokenizer_files.folder_of(entry)
        raw = safe_config(read_config(folder))
        pooling = pooling_of(entry, folder, raw) if self.pools else ""
        auto = self._auto(pooling)
        auto.model_class(config_object(raw))
        tokenizer = tokenizer_files.read_tokenizer(folder, entry.name)
        if raw.get("pad_token_id") is None:
            raw["pad_token_id"] = tokenizer.pad
        kept = raw.get(KEY) or {}
        own = label_names(config_object(raw))
        source = weight_files.locate(entry, spec.weights)
        loaded = None
        if source.pretrained:
            loaded = auto.load(raw, source, entry.name, classes is not None)
        chosen = classes if classes is not None else unique(own)
        config = {
            "source": self.source,
            "name": entry.name,
            "config": raw,
            "tokenizer": tokenizer.settings,
            "fresh": sorted(PREFIX + name for name in loaded.fresh) if loaded else [],
            **({"pooling": pooling, "reads": READS[pooling]} if pooling else {}),
        }
        module = self._module(config, chosen, seed)
        config["text"] = tokenizer_files.text_rule(
            module.model, tokenizer, entry.name, spec.max_length or kept.get("max_length")
        )
        notes: tuple[str, ...] = ()
        if loaded:
            sized: Collection[str] = ()
            if classes is not None:
                sized = auto.sized_by_classes(labelled(raw, classes or ONE_NUMBER))
            transfer(loaded.model, module, {*sized, *loaded.fresh})
            headless = loaded.headless
            if pooling and classes is None:
                headless = source.folder is None or not load_head(module, folder, entry.name)
            if headless and classes is None:
                chosen = ()
                notes = (
                    "These weights have no classifier: train the model before you predict with it.",
                )
        built = self._built(module, config, chosen, entry, source.shown, loaded is not None)
        built.notes = notes
        built.files = {tokenizer_files.FILE: tokenizer.data}
        return built

    def restore(self, config: Mapping[str, Any], classes: tuple[str, ...]) -> BuiltModel:
        """The architecture of `config` with random weights; see `building.from_config`."""
        config = dict(config)
        module = self._module(config, classes, 0)
        entry = ModelEntry(
            name=str(config.get("name", "")),
            source="transformers",
            task=self.task,
            family=str(config["config"]["model_type"]),
            params=sum(parameter.numel() for parameter in module.parameters()),
            num_classes=len(classes),
        )
        return self._built(module, config, classes, entry, "random", False)

    def _module(self, config: Mapping[str, Any], classes: tuple[str, ...], seed: int) -> Any:
        from lepton_lab.catalog.logits import PooledText, TextLogits

        pooling = str(config.get("pooling", ""))
        with seeded(seed), quiet():
            raw = labelled(config["config"], classes or ONE_NUMBER)
            model = self._auto(pooling).create(raw).eval()
            if pooling:
                return PooledText(model, len(classes) or 1, pooling).eval()
            return TextLogits(model).eval()

    def _auto(self, pooling: str) -> Auto:
        return BACKBONES if pooling else self.auto

    def _built(
        self,
        module: Any,
        config: dict[str, Any],
        classes: tuple[str, ...],
        entry: ModelEntry,
        shown: str,
        pretrained: bool,
    ) -> BuiltModel:
        inner = "" if config.get("pooling") else f"{module.model.base_model_prefix}."
        backbone, fresh = PREFIX + inner, set(config["fresh"])
        names = [name for name, _ in module.named_parameters()]
        head = [name for name in names if not name.startswith(backbone) or name in fresh]
        return BuiltModel(
            module=module,
            config=config,
            preprocessing=config["text"],
            classes=classes,
            entry=entry,
            weights=shown,
            pretrained=pretrained,
            groups=named_groups(module, head),
            head=head,
            recipe=recipe(module.model.config, pretrained, bool(config.get("pooling"))),
        )


def recipe(config: Any, pretrained: bool, pooled: bool = False) -> dict[str, Any]:
    """What "auto" stands for when such a model is trained.

    Args:
        config: The library's configuration.
        pretrained: Whether the backbone was trained before.
        pooled: Whether it is a sentence model, whose head starts as a linear probe: a gentle rate refines it.
    """
    if not pretrained:
        why = "random weights: a Transformer's usual rate from scratch"
        return {
            "learning_rate": 5e-4,
            "weight_decay": 0.01,
            "layer_decay": 1.0,
            "batch_size": 32,
            "why": why,
        }
    wide = getattr(config, "hidden_size", _WIDE) >= _WIDE
    if pooled:
        return {
            "learning_rate": 2e-5 if wide else 3e-5,
            "weight_decay": 0.01,
            "layer_decay": 0.9,
            "batch_size": 32,
            "why": "a sentence model, refined from a linear probe (arXiv 2202.10054)",
        }
    return {
        "learning_rate": 1e-4 if wide else 3e-4,
        "weight_decay": 0.01,
        "layer_decay": 0.9,
        "batch_size": 32,
        "why": "BERT fine-tuning (arXiv 1810.04805, A.3) with layer-wise decay (arXiv 2006.05987)"
        + ("" if wide else "; a narrow model takes a higher rate"),
    }


def save(built: BuiltModel, folder: Path) -> list[str]:
    """Weights, configuration and tokenizer as transformers loads them; see `building.save_pretrained`."""
    module: Any = built.module
    before = {path.name for path in folder.iterdir()}
    with quiet():
        module.model.save_pretrained(str(folder), max_shard_size="1000GB")
    if built.config.get("pooling"):
        save_head(module, folder)
    for name, data in built.files.items():
        (folder / name).write_bytes(data)
    settings = json.dumps(built.config["tokenizer"], indent=2)
    (folder / "tokenizer_config.json").write_text(settings + "\n", "utf-8")
    written = {path.name for path in folder.iterdir() if path.is_file()} - before
    rule = {RULE} if built.config.get("pooling") else set()
    return sorted(written | rule | {"config.json", "model.safetensors"})


TEXTS = TextBuilder(
    Auto("MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING", "classifier of texts"),
    "transformers-text",
    "text-classification",
    pools=True,
)
RECORD = Framework(
    TEXTS.source, "Classifiers of texts from transformers.", TEXTS.build, TEXTS.restore, save
)
