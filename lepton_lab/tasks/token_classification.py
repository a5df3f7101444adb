# SPDX-License-Identifier: BSD-3-Clause
"""Token classification: a tag for each word, read at its first sub-word; entities are what counts.

Sub-words behind the first one, special tokens and padding are not trained on. Sentences that are longer
than the model's input are read in overlapping windows, each word in one of them. The loss is the mean
over the words of the whole effective batch, however it is cut to fit the memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lepton_lab.datasets.contents.tokens import parts_of
from lepton_lab.metrics.entities import EntityMeasurement, entities, entity_scores
from lepton_lab.runtime.inputs import Row
from lepton_lab.runtime.spans_output import SpansOutput
from lepton_lab.tasks.base import BaseTask
from lepton_lab.tasks.contract import Figures, TaskRecord
from lepton_lab.tasks.losses import class_loss, class_weights
from lepton_lab.tasks.text_batches import length_order
from lepton_lab.tasks.token_models import build

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Split
    from lepton_lab.spec import TrainSpec

_BATCH = 32
_WORST = 20
_SHOWN = 160


class Item(NamedTuple):
    """A prepared sentence: id, row of the runtime, tag indexes int64 (W,), -1 where unknown, weights (W,)."""

    id: str
    row: Row
    tags: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class SentenceBatch:
    """Prepared sentences; they are padded when they are computed, each part only to its own longest.

    Attributes:
        ids: Names of the samples.
        rows: As the runtime prepares them.
        tags: Tag indexes of each, int64 (W,).
        weights: Of the words of each in the loss, float32 (W,).
        share: Samples per word that bears a tag, over the whole effective batch.
    """

    ids: Sequence[str]
    rows: Sequence[Row]
    tags: Sequence[np.ndarray]
    weights: Sequence[np.ndarray]
    share: float

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> SentenceBatch:
        """The samples `start` to `stop`; a word weighs as much as in the whole batch."""
        part = slice(start, stop)
        return replace(
            self,
            ids=self.ids[part],
            rows=self.rows[part],
            tags=self.tags[part],
            weights=self.weights[part],
        )


class TokenClassification(BaseTask):
    """The task for one model: see `lepton_lab.tasks.contract.Task`."""

    metric = "f1"
    usual_smoothing = 0.0, "most tags are O, and entities are rare"

    def __init__(self, built: BuiltModel, spec: TrainSpec, flip: bool) -> None:
        super().__init__(built, spec, flip)
        self.guess = math.log(max(len(self.classes), 2))
        self._rows: dict[tuple[str, ...], Row] = {}
        self._weights: dict[int, np.ndarray] = {}

    def training_item(self, split: Split, index: int) -> Item:
        """The sentence; nothing of it is changed at random."""
        item = self.evaluation_item(split, index)
        return item._replace(weights=self._tag_weights(split)[item.tags])

    def evaluation_item(self, split: Split, index: int) -> Item:
        """The sentence as the artifact will see it."""
        sample, row = split[index], self._row(split, index)
        tags = np.full(len(row["window"]), -1, np.int64)
        if sample.label is not None:
            tags[:] = sample.label
        return Item(sample.id, row, tags, np.ones(len(tags), np.float32))

    def collate(self, items: Sequence[Item]) -> SentenceBatch:
        """The sentences beside one another."""
        words = sum(int(_taught(item.row, item.tags).sum()) for item in items)
        return SentenceBatch(
            [item.id for item in items],
            [item.row for item in items],
            [item.tags for item in items],
            [item.weights for item in items],
            len(items) / max(words, 1),
        )

    def order(self, split: Split, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
        """Sentences of about equal length beside one another; all of a split are tokenised here, once."""
        if not shuffle:
            return np.arange(len(split), dtype=np.int64)
        lengths = np.array([self._row(split, i)["input_ids"].size for i in range(len(split))])
        asked = self.spec.batch_size
        return length_order(lengths, seed, epoch, asked if isinstance(asked, int) else _BATCH)

    def loss(
        self, module: torch.nn.Module, batch: SentenceBatch, device: torch.device
    ) -> torch.Tensor:
        """Cross-entropy over the words, at the first sub-word of each."""
        import torch

        logits = self._logits(module, batch, device)
        parts: list[tuple[np.ndarray, ...]] = []
        start = 0
        for row, tags, weights in zip(batch.rows, batch.tags, batch.weights, strict=True):
            some = _taught(row, tags)
            parts.append(
                (row["window"][some] + start, row["place"][some], tags[some], weights[some])
            )
            start += len(row["input_ids"])
        window, place, tag, weight = (
            torch.from_numpy(np.concatenate(part)).to(device) for part in zip(*parts, strict=True)
        )
        if not len(tag):
            return logits.sum() * 0.0
        mean = class_loss(
            logits[window, place],
            tag,
            weight,
            smoothing=self.smoothing,
            gamma=self.spec.focal,
        )
        return mean * (len(tag) * batch.share / len(batch))

    def outputs(
        self, module: torch.nn.Module, batch: SentenceBatch, device: torch.device
    ) -> list[np.ndarray]:
        """Tag probabilities of each sentence, float32 (W, tags)."""
        found = self._logits(module, batch, device).softmax(dim=-1).cpu().numpy()
        cut = self._reader.cut({"probabilities": found}, batch.rows)
        return [values["probabilities"] for values in cut]

    def describe(self, outputs: Sequence[np.ndarray], split: Split, index: int) -> dict[str, Any]:
        """The entities of the sentence, those that are found, and the mean probability of its tags."""
        words, label = split.read(index), split[index].label
        best = outputs[index].max(axis=-1)
        return {
            "expected": "" if label is None else _said(words, self._names(label)),
            "predicted": _said(words, self._names(outputs[index].argmax(axis=-1))),
            "probability": round(float(best.mean()), 4) if len(best) else 1.0,
        }

    def score(
        self, outputs: Sequence[np.ndarray], targets: Sequence[np.ndarray]
    ) -> Mapping[str, float]:
        """F1, precision and recall of entities, accuracy of tags, and the log loss of the words."""
        found = entity_scores(*self._both(outputs, targets))
        kept = {name: found[name] for name in ("f1", "precision", "recall", "accuracy")}
        return {**kept, "loss": _log_loss(outputs, targets)}

    def figures(
        self, outputs: Sequence[np.ndarray], targets: Sequence[np.ndarray], split: Split
    ) -> Figures:
        """Entities overall and per type, with intervals over sentences; the worst sentences."""
        true, predicted = self._both(outputs, targets)
        measured = EntityMeasurement(true, predicted)
        rows = measured.per_type()
        columns = {
            name: [row[key] for row in rows]
            for name, key in (
                ("class", "type"),
                *((k, k) for k in list(rows[0] if rows else ())[1:]),
            )
        }
        pairs = [(set(entities(t)), set(entities(p))) for t, p in zip(true, predicted, strict=True)]
        wrong = np.array([len(t ^ p) for t, p in pairs])
        order = [int(i) for i in np.argsort(-wrong, kind="stable")[:_WORST] if wrong[i]]
        worst = [
            {
                "id": split[i].id,
                "wrong": int(wrong[i]),
                "expected": _said(split.read(i), true[i]),
                "predicted": _said(split.read(i), predicted[i]),
            }
            for i in order
        ]
        return Figures(
            values=measured.values,
            intervals=measured.intervals,
            per_class=columns,
            worst=worst,
            notes=self.notes(split),
            scores=np.array([_sentence_f1(t, p) for t, p in pairs]),
            score_name="F1 per sentence",
        )

    def notes(self, split: Split) -> list[str]:
        """What was read in windows, and what no window reached."""
        rows = [self._row(split, i) for i in range(len(split))]
        long = sum(len(row["input_ids"]) > 1 for row in rows)
        lost = [row for row in rows if row["unread"] > 0]
        length = self.preprocessing["max_length"]
        said = []
        if long:
            said.append(
                f"{long} of {len(rows)} texts have more than {length} tokens; they were read in overlapping windows."
            )
        if lost:
            words = sum(int((row["window"] < 0).sum()) for row in lost)
            most = self.preprocessing["max_windows"]
            said.append(
                f"{len(lost)} texts go on beyond {most} windows; {words} words count as outside of every entity."
            )
        return said

    def _row(self, split: Split, index: int) -> Row:
        """The prepared words of a sample, kept by their content."""
        words = tuple(split.read(index))
        if words not in self._rows:
            self._rows[words] = self.preparer.prepare(words)
        return self._rows[words]

    def _tag_weights(self, split: Split) -> np.ndarray:
        """The weight of a word of each tag, from how often the tag occurs in the split."""
        if id(split) not in self._weights:
            tags = np.concatenate([np.zeros(0, np.int64), *split.targets])
            counts = np.bincount(tags, minlength=len(self.classes))
            balanced = self.spec.class_weights == "balanced"
            self._weights[id(split)] = class_weights(counts, balanced)
        return self._weights[id(split)]

    @cached_property
    def _reader(self) -> SpansOutput:
        return SpansOutput(self.classes)

    def _logits(
        self, module: torch.nn.Module, batch: SentenceBatch, device: torch.device
    ) -> torch.Tensor:
        """float32 (windows, T, tags)."""
        import torch

        inputs = self.preparer.collate(batch.rows)
        found: torch.Tensor = module(
            **{
                name: torch.from_numpy(values).to(device, non_blocking=True)
                for name, values in inputs.items()
            }
        )
        return found.float()

    def _names(self, tags: Sequence[int] | np.ndarray) -> list[str]:
        return [self.classes[int(tag)] for tag in tags]

    def _both(
        self, outputs: Sequence[np.ndarray], targets: Sequence[np.ndarray]
    ) -> tuple[list[list[str]], list[list[str]]]:
        """True and predicted tags of the sentences that have labels."""
        known = [(o, t) for o, t in zip(outputs, targets, strict=True) if len(t)]
        true = [self._names(t) for _, t in known]
        return true, [self._names(o.argmax(axis=-1)) for o, _ in known]


def _taught(row: Row, tags: np.ndarray) -> np.ndarray:
    """Which words bear a tag and have a sub-word, bool (W,)."""
    found: np.ndarray = (tags >= 0) & (row["window"] >= 0)
    return found


def _log_loss(outputs: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> float:
    own = [
        o[np.arange(len(t)), t].astype(np.float64)
        for o, t in zip(outputs, targets, strict=True)
        if len(t)
    ]
    return float(-np.log(np.clip(np.concatenate(own), np.finfo(np.float32).eps, 1.0)).mean())


def _sentence_f1(true: set[Any], predicted: set[Any]) -> float:
    """1 where nothing was to be found and nothing was."""
    total = len(true) + len(predicted)
    return 2 * len(true & predicted) / total if total else 1.0


def _said(words: Sequence[str], tags: Sequence[str]) -> str:
    """The entities in words.

    >>> _said(["Bob", "in", "New", "York"], ["B-person", "O", "B-place", "I-place"])
    'person: Bob; place: New York'
    """
    found = [f"{part.label}: {part.text}" for part in parts_of(words, tags) if part.label]
    text = "; ".join(found) or "no entity"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


RECORD = TaskRecord(
    name="token-classification",
    description="A tag for each word: names, places, products in a text.",
    content="tokens",
    labels="tags",
    create=TokenClassification,
    build=build,
)
