# SPDX-License-Identifier: BSD-3-Clause
"""How well a tagger finds entities: a span counts only when its type and both its ends are right.

The definitions are those of seqeval in its default mode, which are those of conlleval, the script of
the CoNLL shared tasks: a span begins at B-, at S-, where the type changes, and at an I- or E- that
follows nothing; so broken sequences have spans too. `precision`, `recall` and `f1` pool the spans of
all types (micro); `f1_macro` is the mean over the types that occur in the truth or in the
predictions.

Sentences are what a corpus is sampled by, so intervals come from a bootstrap over sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lepton_lab.errors import DataError
from lepton_lab.metrics import intervals as iv
from lepton_lab.metrics.classification import Counts

Entity = tuple[str, int, int]
Tags = Sequence[str]
Floats = NDArray[np.float64]
_NO_ENTITY = ("O", ".")


def entities(tags: Tags) -> list[Entity]:
    """The spans of one sentence: (type, first word, last word), in order.

    Args:
        tags: One per word, in BIO, IOB1 or BIOES; a tag without a type has the type "_".

    >>> entities(["B-PER", "I-PER", "O", "I-LOC"])
    [('PER', 0, 1), ('LOC', 3, 3)]
    """
    found: list[Entity] = []
    before, kind_before, begin = "O", "", 0
    for place, tag in enumerate([*tags, "O"]):
        mark, kind = tag[:1], tag[1:].split("-", 1)[-1] or "_"
        if _ends(before, mark, kind_before != kind):
            found.append((kind_before, begin, place - 1))
        if _begins(before, mark, kind_before != kind):
            begin = place
        before, kind_before = mark, kind
    return found


def _ends(before: str, mark: str, other_kind: bool) -> bool:
    if before in ("E", "S") or (before in ("B", "I") and mark in ("B", "S", "O")):
        return True
    return other_kind and before not in _NO_ENTITY


def _begins(before: str, mark: str, other_kind: bool) -> bool:
    if mark in ("B", "S") or (before in ("E", "S", "O") and mark in ("E", "I")):
        return True
    return other_kind and mark not in _NO_ENTITY


class EntityMeasurement:
    """Entity metrics of predicted tags against true ones, with intervals.

    Args:
        true: The tags of each sentence.
        predicted: As many, of equal lengths.
        resamples: Of the bootstrap behind the intervals.
        seed: Of that bootstrap.

    Raises:
        DataError: There is nothing to evaluate, or the sentences do not fit.
    """

    def __init__(
        self,
        true: Sequence[Tags],
        predicted: Sequence[Tags],
        *,
        resamples: int = iv.RESAMPLES,
        seed: int = 0,
    ) -> None:
        _check(true, predicted)
        self.resamples, self.seed = resamples, seed
        found = [(set(entities(t)), set(entities(p))) for t, p in zip(true, predicted, strict=True)]
        self.types = tuple(sorted({e[0] for truth, given in found for e in truth | given}))
        """The types that occur in the truth or in the predictions, sorted."""
        place = {name: i for i, name in enumerate(self.types)}
        table = np.zeros((3, len(found), len(place)), np.int64)
        for row, (truth, given) in enumerate(found):
            for layer, some in zip(table, (truth & given, truth, given), strict=True):
                for kind, _, _ in some:
                    layer[row, place[kind]] += 1
        self.sentences = Counts(*table)
        """Spans that are right, true and predicted, per sentence and type, (N, T)."""
        right = [
            sum(a == b for a, b in zip(t, p, strict=True))
            for t, p in zip(true, predicted, strict=True)
        ]
        self._words = np.array([right, [len(t) for t in true]], np.int64).T

    @property
    def n(self) -> int:
        """Number of sentences."""
        return len(self._words)

    @cached_property
    def counts(self) -> Counts:
        """Spans that are right, true and predicted, per type, (T,)."""
        table = self.sentences
        return Counts(*(part.sum(axis=0) for part in (table.hits, table.support, table.predicted)))

    @cached_property
    def values(self) -> dict[str, float]:
        """Every metric by name, the headline first."""
        right, words = self._words.sum(axis=0)
        return _values(self.counts) | {"accuracy": float(right / words)}

    @cached_property
    def intervals(self) -> dict[str, iv.Interval]:
        """The 95 % interval of every metric, in the same order."""
        drawn, words = self._resampled
        found = {}
        for name, metric in _METRICS.items():
            point = self.values[name]
            bounds = iv.percentile(metric(drawn), point)
            found[name] = iv.unless_certain(bounds, point, int(self.counts.support.sum()))
        point = self.values["accuracy"]
        bounds = iv.percentile(words[:, 0] / words[:, 1], point)
        found["accuracy"] = iv.unless_certain(bounds, point, int(self._words[:, 1].sum()))
        return found

    def per_type(self) -> list[dict[str, float | int | str]]:
        """One row per type: type, precision, recall, f1 with its bounds low and high, support, predicted."""
        counts, (drawn, _) = self.counts, self._resampled
        resampled = _f1(drawn.hits, drawn.support, drawn.predicted)
        rows: list[dict[str, float | int | str]] = []
        for i, name in enumerate(self.types):
            hits, support, predicted = (
                int(part[i]) for part in (counts.hits, counts.support, counts.predicted)
            )
            f1 = float(_f1(hits, support, predicted))
            low, high = iv.unless_certain(iv.percentile(resampled[:, i], f1), f1, support)
            rows.append(
                {
                    "type": name,
                    "precision": float(_ratio(hits, predicted)),
                    "recall": float(_ratio(hits, support)),
                    "f1": f1,
                    "low": low,
                    "high": high,
                    "support": support,
                    "predicted": predicted,
                }
            )
        return rows

    @cached_property
    def _resampled(self) -> tuple[Counts, Floats]:
        """Bootstrap means per sentence: spans (B, T) as counts, and words (B, 2)."""
        table, types = self.sentences, len(self.types)
        columns = np.column_stack([table.hits, table.support, table.predicted, self._words])
        drawn = iv.resample_means(
            columns.astype(np.float64), resamples=self.resamples, seed=self.seed
        )
        spans = [drawn[:, i * types : (i + 1) * types] for i in range(3)]
        return Counts(*spans), drawn[:, 3 * types :]  # type: ignore[arg-type]


def entity_scores(true: Sequence[Tags], predicted: Sequence[Tags]) -> dict[str, float]:
    """`f1`, `precision`, `recall`, `f1_macro` over all sentences and `accuracy` over all words.

    >>> entity_scores([["B-PER", "I-PER"]], [["B-PER", "O"]])["f1"]
    0.0
    """
    return EntityMeasurement(true, predicted).values


def _check(true: Sequence[Tags], predicted: Sequence[Tags]) -> None:
    if not true or not any(len(tags) for tags in true):
        raise DataError("There is nothing to evaluate.", f"There are {len(true)} sentences.")
    if len(true) != len(predicted):
        raise DataError(
            "True and predicted tags do not belong together.",
            f"There are {len(true)} and {len(predicted)} sentences.",
        )
    for row, (t, p) in enumerate(zip(true, predicted, strict=True)):
        if len(t) != len(p):
            raise DataError(
                "True and predicted tags do not belong together.",
                f"Sentence {row} has {len(t)} true and {len(p)} predicted tags.",
            )


def _pooled_precision(counts: Counts) -> Floats:
    return _ratio(counts.hits.sum(axis=-1), counts.predicted.sum(axis=-1))


def _pooled_recall(counts: Counts) -> Floats:
    return _ratio(counts.hits.sum(axis=-1), counts.support.sum(axis=-1))


def _pooled_f1(counts: Counts) -> Floats:
    return _f1(*(part.sum(axis=-1) for part in (counts.hits, counts.support, counts.predicted)))


def _macro_f1(counts: Counts) -> Floats:
    occurs = counts.support + counts.predicted > 0
    total = _f1(counts.hits, counts.support, counts.predicted).sum(axis=-1)
    number = occurs.sum(axis=-1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


_METRICS = {
    "f1": _pooled_f1,
    "precision": _pooled_precision,
    "recall": _pooled_recall,
    "f1_macro": _macro_f1,
}


def _values(counts: Counts) -> dict[str, float]:
    return {name: float(metric(counts)) for name, metric in _METRICS.items()}


def _f1(hits: object, support: object, predicted: object) -> Floats:
    return _ratio(2 * np.asarray(hits), np.asarray(support) + np.asarray(predicted))


def _ratio(part: object, whole: object) -> Floats:
    """`part / whole`, 0 where there is nothing, as seqeval has it."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
