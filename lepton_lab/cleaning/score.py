# SPDX-License-Identifier: BSD-3-Clause
"""How far the cleaning has come: a head fitted on train, measured on val, before and after the edits.

The labels of val stay as the user gave them, so that the two numbers answer the same question. When val itself
was edited, the number on the edited val is told apart: the measure changed, not only the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lepton_lab.cleaning import head
from lepton_lab.cleaning.pool import Pool
from lepton_lab.datasets.edits import Edit
from lepton_lab.datasets.records import plural
from lepton_lab.metrics import wilson
from lepton_lab.rendering import interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """An accuracy with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return interval(self.value, self.low, self.high, self.n)


@dataclass(frozen=True)
class Score:
    """Accuracy of the head.

    Attributes:
        side: The split that it is measured on: val, or test where there is no val.
        before: Fitted on the labels as they were.
        after: Fitted on the edited ones, measured on the same labels as `before`.
        edited: The same head measured on the edited split; None when none of its samples was changed.
        edits: How many samples of that split were relabeled or dropped.
    """

    side: str
    before: Share
    after: Share
    edited: Share | None
    edits: int

    def text(self) -> str:
        """One or two sentences."""
        words = f"Accuracy of the head on {self.side}: {self.before} before, {self.after} with the edits."
        if self.edited is None:
            return words
        return f"{words} {self.edited} on the edited {self.side}. {self.caution}"

    @property
    def caution(self) -> str:
        """What must be said when the measured split itself was edited; else nothing."""
        if self.edited is None:
            return ""
        changed = plural(self.edits, "edit changes", "edits change")
        return f"{changed} {self.side} itself: a difference there is no gain of the model."


class Scorer:
    """Fits and measures again after each edit.

    Args:
        pool: The samples.
        x: Their features, float (N, d).
    """

    def __init__(self, pool: Pool, x: Floats) -> None:
        self.pool, self.x = pool, x
        sides = [name for name in ("val", "test") if name in pool.sides]
        self.side = sides[0] if sides else ""
        self._train = pool.on("train")
        self._held = pool.on(self.side)
        self._start = self._fit(pool.labels, self._train, None)
        self.before = self._share(self._start, pool.labels, self._held)

    def score(self, edits: Mapping[str, Edit]) -> Score | None:
        """The score with some edits; None where nothing was held out."""
        if not self.side:
            return None
        labels, kept = self.pool.labels.copy(), np.ones(len(self.pool), dtype=bool)
        names = {name: i for i, name in enumerate(self.pool.classes)}
        for name, edit in edits.items():
            place = self.pool.places[name]
            if edit.action == "drop":
                kept[place] = False
            elif edit.action == "relabel":
                labels[place] = names[edit.label]
        changed = (labels != self.pool.labels) | ~kept
        learns = self._train & kept
        weights = self._start
        if changed[self._train].any() and learns.any():
            weights = self._fit(labels, learns, self._start)
        return Score(
            self.side,
            self.before,
            self._share(weights, self.pool.labels, self._held),
            self._share(weights, labels, self._held & kept) if changed[self._held].any() else None,
            int(changed[self._held].sum()),
        )

    def _fit(
        self, labels: NDArray[np.int64], rows: NDArray[np.bool_], start: Floats | None
    ) -> Floats:
        return head.fit(self.x[rows], labels[rows], len(self.pool.classes), start)

    def _share(self, weights: Floats, labels: NDArray[np.int64], rows: NDArray[np.bool_]) -> Share:
        said = head.probabilities(self.x[rows], weights).argmax(axis=1)
        n, right = int(rows.sum()), int((said == labels[rows]).sum())
        return Share(right / n if n else float("nan"), *wilson(right, n), n)
