# SPDX-License-Identifier: BSD-3-Clause
"""A head on cached features: softmax regression that is fitted again in a moment.

The features never change while one cleans, so that an edit costs one small convex problem, begun from the
solution for the labels as they were. The result depends on features and labels alone, not on the order of the
edits, but for the tolerance of the optimizer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 128
PENALTY = 0.01
FOLDS = 5
_ITERATIONS = 100
Floats = NDArray[np.float64]
Indexes = NDArray[np.int64]


def project(features: NDArray[np.float32], fitted_on: NDArray[np.bool_]) -> Floats:
    """Standardized features in at most 128 main directions, the whole with unit variance on average.

    Args:
        features: Float (N, D).
        fitted_on: Bool (N,), the rows that decide mean, scale and directions.

    Returns:
        float64 (N, d).
    """
    rows = features[fitted_on].astype(np.float64)
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    used = scale > 1e-6 * max(float(scale.max(initial=0.0)), 1e-12)
    if not used.any():
        return np.zeros((len(features), 1))
    rows = (rows[:, used] - mean[used]) / scale[used]
    found = (features[:, used].astype(np.float64) - mean[used]) / scale[used]
    if rows.shape[1] > DIMENSIONS:
        _, vectors = np.linalg.eigh(rows.T @ rows)
        directions = vectors[:, -DIMENSIONS:]
        rows, found = rows @ directions, found @ directions
    return np.asarray(found / max(float(rows.std()), 1e-12))


def fit(x: Floats, labels: Indexes, classes: int, start: Floats | None = None) -> Floats:
    """Weights that minimize the mean cross-entropy with an L2 penalty.

    Args:
        x: Float (N, d).
        labels: int64 (N,), 0 to `classes` - 1; a class may have no sample.
        classes: How many.
        start: Weights to begin from.

    Returns:
        float64 (d + 1, classes); the last row is the bias, which has no penalty.
    """
    from scipy.optimize import minimize

    shape = x.shape[1] + 1, classes
    inputs = np.hstack([x, np.ones((len(x), 1))])
    truth = np.eye(classes)[labels]
    penalty = np.full((shape[0], 1), PENALTY)
    penalty[-1] = 0

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(shape)
        chance = _softmax(inputs @ weights)
        fit_loss = -np.log(np.maximum((chance * truth).sum(axis=1), 1e-300)).mean()
        slope = inputs.T @ (chance - truth) / len(x) + penalty * weights
        return float(fit_loss + 0.5 * (penalty * weights**2).sum()), slope.ravel()

    begin = np.zeros(shape) if start is None else start
    options = {"maxiter": _ITERATIONS, "ftol": 1e-10, "gtol": 1e-5}
    found = minimize(loss, begin.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x).reshape(shape)


def probabilities(x: Floats, weights: Floats) -> Floats:
    """float64 (N, classes), each row sums to one."""
    return _softmax(x @ weights[:-1] + weights[-1])


def out_of_fold(x: Floats, labels: Indexes, classes: int, groups: NDArray[np.object_]) -> Floats:
    """Probabilities for each sample from a head that saw neither it nor a copy of it.

    Args:
        x: Float (N, d).
        labels: int64 (N,).
        classes: How many.
        groups: (N,), equal for copies of one another.

    Returns:
        float64 (N, classes).
    """
    folds = _folds(labels, groups)
    found = np.full((len(x), classes), 1 / classes)
    if len(np.unique(folds)) < 2:
        return found  # all are copies of one another: no head can be fitted without them
    for fold in np.unique(folds):
        out = folds == fold
        found[out] = probabilities(x[out], fit(x[~out], labels[~out], classes))
    return found


def _folds(labels: Indexes, groups: NDArray[np.object_]) -> Indexes:
    """A fold per sample: classes are spread evenly, copies stay together."""
    order = np.random.default_rng(0).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    folds = np.empty(len(labels), dtype=np.int64)
    folds[order] = np.arange(len(labels)) % min(FOLDS, len(labels))
    _, first, inverse = np.unique(groups.astype(str), return_index=True, return_inverse=True)
    return folds[first][inverse]


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
