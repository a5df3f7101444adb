# SPDX-License-Identifier: BSD-3-Clause
"""Where a model goes wrong: its worst samples and the classes it confuses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lepton_lab.metrics import Measurement


class WorstSample(NamedTuple):
    """A sample with a high loss.

    Attributes:
        id: Its name in the data.
        true: Its class.
        predicted: The class that the model gave it.
        probability: The probability of that predicted class.
        loss: Negative log probability of the true class, in nats.
    """

    id: str
    true: str
    predicted: str
    probability: float
    loss: float


class ConfusedPair(NamedTuple):
    """Two classes of which one is taken for the other.

    Attributes:
        true: The class of the samples.
        predicted: What they are taken for.
        errors: How many of them.
        of: Samples of the true class.
        examples: Names of some of them, the surest mistakes first.
    """

    true: str
    predicted: str
    errors: int
    of: int
    examples: tuple[str, ...]


def worst_indexes(measured: Measurement, n: int) -> NDArray[np.int64]:
    """The n samples with the highest loss, highest first; of equal ones the first."""
    return np.argsort(-measured.losses, kind="stable")[: max(n, 0)]


def confused_cells(confusion: NDArray[np.int64], n: int) -> list[tuple[int, int]]:
    """The n largest cells off the diagonal as (true, predicted), largest first."""
    errors = confusion - np.diag(np.diag(confusion))
    rows, columns = np.nonzero(errors)
    order = np.argsort(-errors[rows, columns], kind="stable")[: max(n, 0)]
    return [(int(rows[i]), int(columns[i])) for i in order]


def cell_indexes(measured: Measurement, true: int, predicted: int, n: int) -> NDArray[np.int64]:
    """Samples of class `true` taken for `predicted`, the surest mistakes first, at most n."""
    found = np.flatnonzero((measured.targets == true) & (measured.predictions == predicted))
    return found[np.argsort(-measured.probabilities[found, predicted], kind="stable")][:n]
