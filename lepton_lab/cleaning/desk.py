# SPDX-License-Identifier: BSD-3-Clause
"""The desk at which a data set is cleaned: suspects on it, decisions into the edits file, the score beside.

It holds no state of its own: what was decided is in the edits file, which is read again at every look. So a
restart, a second kernel and a reloaded page all see the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lepton_lab.cleaning import head
from lepton_lab.cleaning.edits import EditsFile
from lepton_lab.cleaning.pool import Pool
from lepton_lab.cleaning.score import Score, Scorer
from lepton_lab.cleaning.suspects import Suspect, find
from lepton_lab.datasets.edits import Edit
from lepton_lab.datasets.records import quoted
from lepton_lab.errors import NotFoundError, did_you_mean
from lepton_lab.rendering import visible

if TYPE_CHECKING:
    from lepton_lab.datasets import Dataset


class Desk:
    """Suspects of a data set, and what was decided about them.

    Args:
        data: The data set as the user gave it.
        features: float32 (N, D), one row per sample of its `Pool`.
        path: The edits file.
        run: Name and probabilities (N, classes) of a run that was trained on the data.

    Attributes:
        data: The data set; never changed.
        path: The edits file.
        suspects: The most doubtful first.
        listeners: Called after each decision, on the thread that made it.
    """

    def __init__(
        self,
        data: Dataset,
        features: NDArray[np.float32],
        path: Path,
        run: tuple[str, NDArray[np.float64]] | None = None,
    ) -> None:
        self.data, self.path = data, path
        self.pool = Pool.of(data)
        self.listeners: list[Callable[[], None]] = []
        self._file = EditsFile(path)
        self._x = head.project(features, self.pool.on("train"))
        groups = np.array(self.pool.digests, dtype=object)
        chances = head.out_of_fold(self._x, self.pool.labels, len(self.pool.classes), groups)
        self.suspects: list[Suspect] = find(self.pool, self._x, chances, run)
        self._scored: tuple[dict[str, Edit], Score | None] | None = None
        self._lock = threading.RLock()

    @property
    def edits(self) -> dict[str, Edit]:
        """Sample id -> its last edit, of the samples that are still there with the same content."""
        names = set(self.pool.classes)
        return {
            name: edit
            for name, edit in self._file.log.standing.items()
            if (place := self.pool.places.get(name)) is not None
            and edit.digest == self.pool.digests[place]
            and (edit.action != "relabel" or edit.label in names)
        }

    @property
    def history(self) -> tuple[Edit, ...]:
        """All edits that stand, in the order in which they were made."""
        return self._file.log.edits

    def relabel(self, sample: str, label: str) -> None:
        """Give a sample another class.

        Args:
            sample: Its id.
            label: A class of the data set.

        Raises:
            NotFoundError: There is no such sample or class.
            StorageError: The edits file cannot be written.
        """
        if label not in self.pool.classes:
            raise NotFoundError(
                f'There is no class "{visible(label)}" in "{visible(self.data.name)}".',
                did_you_mean(label, self.pool.classes)
                or f"There are: {quoted(self.pool.classes)}.",
                f"cleaning.relabel({sample!r}, {self.pool.classes[0]!r})",
            )
        self._decide("relabel", sample, label)

    def drop(self, sample: str) -> None:
        """Leave a sample out. Raises as `relabel` does."""
        self._decide("drop", sample)

    def keep(self, sample: str) -> None:
        """Confirm the label of a sample. Raises as `relabel` does."""
        self._decide("keep", sample)

    def undo(self) -> Edit | None:
        """Take back the last edit of the file, whoever made it; None when there is none."""
        with self._lock:
            taken = self._file.undo()
        self._tell()
        return taken

    @property
    def score(self) -> Score | None:
        """Accuracy of a head before and after the edits; None where nothing was held out."""
        with self._lock:
            edits = self.edits
            if self._scored is None or self._scored[0] != edits:
                self._scored = edits, self._scorer.score(edits)
            return self._scored[1]

    def apply(self) -> Dataset:
        """A new data set with the edits; `lab.data(..., edits=data.spec.edits)` reads it again.

        Raises:
            DataError: Nothing would be left to train on.
        """
        return self.data.edited(self.path) if self.path.is_file() else self.data

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self.pool, self._x)

    def _decide(self, action: str, sample: str, label: str = "") -> None:
        place = self.pool.places.get(sample)
        if place is None:
            raise NotFoundError(
                f'There is no sample "{visible(sample)}" in "{visible(self.data.name)}".',
                did_you_mean(sample, self.pool.places),
                "cleaning.to_pandas()",
            )
        was = self.pool.classes[int(self.pool.labels[place])]
        with self._lock:
            self._file.add(Edit(action, sample, self.pool.digests[place], label), was=was)
        self._tell()

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener()
