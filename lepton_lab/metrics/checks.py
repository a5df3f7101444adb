# SPDX-License-Identifier: BSD-3-Clause
"""The one door through which predictions enter the metrics.

Every metric here reads the same two arrays: `probabilities` (N, C), one row per sample that sums
to one, and `targets` (N,), the index of the true class. They are checked once, so that logits
passed by mistake or a model that returned NaN end in a sentence and not in a wrong number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lepton_lab.errors import DataError

SUM_TOLERANCE = 0.02  # a softmax in half precision over a thousand classes strays this far


def check_predictions(
    probabilities: ArrayLike, targets: ArrayLike, ids: Sequence[str] | None = None
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Both arrays, checked.

    Args:
        probabilities: Float (N, C), each row a distribution over the classes.
        targets: Integer (N,), the index of the true class, 0 to C - 1.
        ids: Names of the samples, to say which one is wrong.

    Returns:
        The probabilities (float32 or float64, as given) and the targets as int64.

    Raises:
        DataError: Nothing to evaluate, shapes that do not belong together, values that are NaN or
            no probabilities, targets outside the classes.
    """
    p = np.asarray(probabilities)
    p = p if p.dtype in (np.float32, np.float64) else p.astype(np.float64)
    t = np.asarray(targets)
    if p.ndim != 2 or t.shape != p.shape[:1]:
        raise DataError(
            "Probabilities and targets do not belong together.",
            f"Needed are shapes (N, C) and (N,); found {p.shape} and {t.shape}.",
        )
    if p.shape[0] == 0 or p.shape[1] == 0:
        raise DataError("There is nothing to evaluate.", f"The probabilities have shape {p.shape}.")
    _check_probabilities(p, ids)
    return p, _check_targets(t, p.shape[1], ids)


def _check_probabilities(p: NDArray[np.floating], ids: Sequence[str] | None) -> None:
    wrong = ~np.isfinite(p).all(axis=1)
    if wrong.any():
        raise DataError(
            f"The model returned NaN or infinity for {wrong.sum()} of {len(p)} samples.",
            f"The first one is {_name(wrong, ids)}.",
        )
    outside = ((p < -1e-6) | (p > 1 + 1e-3)).any(axis=1)
    wrong = outside | (np.abs(p.sum(axis=1, dtype=np.float64) - 1) > SUM_TOLERANCE)
    if wrong.any():
        raise DataError(
            f"{wrong.sum()} of {len(p)} rows are no probabilities.",
            f"Each row has to sum to 1; the first that does not is {_name(wrong, ids)}. "
            "Are these logits?",
            "Pass the softmax of the logits.",
        )


def _check_targets(t: NDArray[Any], classes: int, ids: Sequence[str] | None) -> NDArray[np.int64]:
    if not np.issubdtype(t.dtype, np.integer):
        raise DataError("Targets have to be whole numbers.", f"Found values of type {t.dtype}.")
    wrong = (t < 0) | (t >= classes)
    if wrong.any():
        raise DataError(
            f"{wrong.sum()} of {len(t)} targets name no class.",
            f"There are {classes} classes; the first wrong one is {_name(wrong, ids)} "
            f"with {t[wrong][0]}.",
        )
    return t.astype(np.int64)


def _name(wrong: NDArray[np.bool_], ids: Sequence[str] | None) -> str:
    first = int(np.flatnonzero(wrong)[0])
    return f"sample {first}" if ids is None else f"'{ids[first]}'"
