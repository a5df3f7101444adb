# SPDX-License-Identifier: BSD-3-Clause
"""How right a model is whose samples may have several classes, or none: average precision, F1, exact matches.

A class belongs to an answer from a probability of one half on. Average precision asks no threshold: it is
the mean precision at each sample of a class, averaged over the classes that have samples. Intervals are
percentile bootstraps over samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lepton_lab.errors import DataError
from lepton_lab.metrics import intervals as iv
from lepton_lab.metrics.curves import Thresholds, average_precision_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
THRESHOLD = 0.5
MULTILABEL: tuple[str, ...] = (
    "average_precision", "f1_micro", "f1_macro", "precision_micro", "recall_micro",
    "exact_matches", "hamming_loss",
)  # fmt: skip
"""The metrics of `multilabel_values`, the headline first."""
_CELLS = 200_000_000
_FEWEST = 100
_AT_ONCE = 1 << 21


def memberships(labels: Sequence[Sequence[int] | None], classes: int) -> Bools:
    """Which sample has which class, bool (N, C); an unlabeled sample has none.

    >>> memberships([(0, 2), ()], 3).tolist()
    [[True, False, True], [False, False, False]]
    """
    found = np.zeros((len(labels), classes), bool)
    for row, label in zip(found, labels, strict=True):
        row[list(label or ())] = True
    return found


def multilabel_values(probabilities: NDArray[np.floating], truth: Bools) -> dict[str, float]:
    """Every metric of `MULTILABEL`; NaN where it does not exist.

    Args:
        probabilities: Float (N, C), each on its own.
        truth: Bool (N, C).

    Raises:
        DataError: Nothing to evaluate, or shapes that do not belong together.
    """
    _check(probabilities, truth)
    counted = _counted(_columns(probabilities, truth).mean(axis=0), truth.shape[1])
    precision = float(_mean(average_precisions(probabilities, truth)))
    return {"average_precision": precision} | {name: float(v) for name, v in counted.items()}


def multilabel_intervals(
    probabilities: NDArray[np.floating],
    truth: Bools,
    *,
    resamples: int = iv.RESAMPLES,
    seed: int = 0,
) -> dict[str, iv.Interval]:
    """The 95 % interval of every metric.

    Args:
        probabilities: Float (N, C).
        truth: Bool (N, C).
        resamples: How many; fewer for average precision where the data is very large.
        seed: The same arrays and seed give the same intervals.
    """
    values = multilabel_values(probabilities, truth)
    drawn = iv.resample_means(_columns(probabilities, truth), resamples=resamples, seed=seed)
    found = _counted(drawn, truth.shape[1])
    found["average_precision"] = _resampled_precision(probabilities, truth, resamples, seed)
    spans = {name: iv.percentile(found[name], values[name]) for name in MULTILABEL}
    return {k: iv.unless_certain(span, values[k], len(truth)) for k, span in spans.items()}


def average_precisions(probabilities: NDArray[np.floating], truth: Bools) -> Floats:
    """Average precision of each class, (C,); NaN for a class that all or no samples have."""
    pairs = zip(probabilities.T, truth.T, strict=True)
    return np.array([average_precision_of(Thresholds.of(p, t)) for p, t in pairs])


def per_class(probabilities: NDArray[np.floating], truth: Bools) -> dict[str, Floats]:
    """Precision, recall, F1 and average precision of each class, (C,), and its samples."""
    chosen = probabilities >= THRESHOLD
    hits, support = (chosen & truth).sum(axis=0), truth.sum(axis=0)
    predicted = chosen.sum(axis=0)
    return {
        "precision": _ratio(hits, predicted, support > 0),
        "recall": _ratio(hits, support, support > 0),
        "f1": _ratio(2 * hits, support + predicted, support > 0),
        "average_precision": average_precisions(probabilities, truth),
        "samples": support,
    }


def _check(probabilities: NDArray[np.floating], truth: Bools) -> None:
    if probabilities.ndim != 2 or probabilities.shape != truth.shape:
        raise DataError(
            "Probabilities and labels do not belong together.",
            f"Needed are two arrays of shape (N, C); found {probabilities.shape} and {truth.shape}.",
        )
    if not len(truth):
        raise DataError("There is nothing to evaluate.", "The predictions are empty.")
    if not np.isfinite(probabilities).all():
        bad = int((~np.isfinite(probabilities)).any(axis=1).sum())
        raise DataError(f"The model returned NaN or infinity for {bad} of {len(truth)} samples.")


def _columns(probabilities: NDArray[np.floating], truth: Bools) -> Floats:
    """Columns (N, 3C + 2) whose means all counted metrics are made of."""
    chosen = probabilities >= THRESHOLD
    wrong = chosen != truth
    parts = (chosen & truth, truth, chosen, ~wrong.any(axis=1, keepdims=True))
    share = wrong.mean(axis=1, keepdims=True)
    return np.concatenate([*(part.astype(np.float64) for part in parts), share], axis=1)


def _counted(means: Floats, classes: int) -> dict[str, Floats]:
    """Metrics of means (..., 3C + 2)."""
    hits, support, predicted = (means[..., i * classes : (i + 1) * classes] for i in range(3))
    everywhere = np.ones(means.shape[:-1], bool)
    all_hits, all_support, all_predicted = (v.sum(axis=-1) for v in (hits, support, predicted))
    return {
        "f1_micro": _ratio(2 * all_hits, all_support + all_predicted, everywhere),
        "f1_macro": _mean(_ratio(2 * hits, support + predicted, support > 0)),
        "precision_micro": _ratio(all_hits, all_predicted, everywhere),
        "recall_micro": _ratio(all_hits, all_support, everywhere),
        "exact_matches": means[..., 3 * classes],
        "hamming_loss": means[..., 3 * classes + 1],
    }


def _resampled_precision(
    probabilities: NDArray[np.floating], truth: Bools, resamples: int, seed: int
) -> Floats:
    """Mean average precision of resamples (B,): samples get weights, each class is sorted once."""
    n, classes = truth.shape
    wanted = min(resamples, max(_FEWEST, _CELLS // max(n * classes, 1)))
    generator = np.random.default_rng(seed)
    ranked = [_ranked(p, t) for p, t in zip(probabilities.T, truth.T, strict=True)]
    step, found = max(1, _AT_ONCE // n), []
    for start in range(0, wanted, step):
        rows = min(step, wanted - start)
        weights = generator.multinomial(n, np.full(n, 1 / n), size=rows).astype(np.float64)
        values = np.stack([_weighted_precision(weights, *one) for one in ranked], axis=-1)
        found.append(_mean(values))
    return np.concatenate(found)


def _ranked(
    scores: NDArray[np.floating], positive: Bools
) -> tuple[NDArray[np.int64], Bools, NDArray[np.int64]]:
    """Samples from the highest score down, which of them are positive, and where each score ends."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    return order, positive[order], ends


def _weighted_precision(
    weights: Floats, order: NDArray[np.int64], positive: Bools, ends: NDArray[np.int64]
) -> Floats:
    """Average precision under each row of weights (B, N); NaN where all or none are positive."""
    drawn = weights[:, order]
    true = np.cumsum(drawn * positive, axis=1)[:, ends]
    seen = np.cumsum(drawn, axis=1)[:, ends]
    gained = np.diff(true, prepend=0.0, axis=1)
    total = true[:, -1]
    area = (gained * _ratio(true, seen, seen > -1)).sum(axis=1)
    return np.where((total > 0) & (total < seen[:, -1]), area / np.maximum(total, 1), np.nan)


def _mean(values: Floats) -> Floats:
    """The mean over the classes that have a value; NaN when none has."""
    here = ~np.isnan(values)
    total = np.where(here, values, 0.0).sum(axis=-1)
    count = here.sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _ratio(part: NDArray[np.generic], whole: NDArray[np.generic], exists: Bools) -> Floats:
    """0 where nothing was predicted, NaN where nothing exists."""
    value = np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) > 0)
    return np.where(exists, value, np.nan)
