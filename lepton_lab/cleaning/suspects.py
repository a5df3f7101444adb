# SPDX-License-Identifier: BSD-3-Clause
"""Which samples deserve a look, why, and in which order.

Four questions, each a function: does a head that never saw the sample contradict its label (confident learning,
Northcutt et al., arXiv 1911.00068, by cleanlab), do its neighbours bear another label, does a copy, and does the
trained run fail on it. A sample that several questions point to comes first. They are asked of the labels as
the user gave them, so that the list is the same after every restart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lepton_lab.cleaning import neighbours
from lepton_lab.cleaning.pool import Pool
from lepton_lab.datasets.nearness import groups, pairs
from lepton_lab.errors import LeptonError
from lepton_lab.rendering import visible

KINDS = {
    "label": "label doubted",
    "neighbours": "neighbours differ",
    "copies": "copies",
    "loss": "run fails",
}
FEWEST = 3
_DISAGREE = 0.6
_WORST = 0.02
_COPIES_AT_MOST = 50_000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reason:
    """Why a sample is a suspect.

    Attributes:
        kind: A key of `KINDS`.
        words: The same as a sentence.
        weight: From 0 to 1.
        suggested: The class that it points to, or None.
    """

    kind: str
    words: str
    weight: float
    suggested: int | None = None


@dataclass(frozen=True)
class Suspect:
    """A sample to look at.

    Attributes:
        place: In the pool.
        reasons: The gravest first.
        suggested: The class that the reasons point to, or None.
    """

    place: int
    reasons: tuple[Reason, ...]
    suggested: int | None

    @property
    def score(self) -> float:
        """The sum of the weights; the list is ordered by it."""
        return sum(reason.weight for reason in self.reasons)


Found = Iterator[tuple[int, Reason]]


def find(
    pool: Pool, x: Floats, chances: Floats, run: tuple[str, Floats] | None = None
) -> list[Suspect]:
    """All suspects, the most doubtful first.

    Args:
        pool: The samples.
        x: Their features, float (N, d).
        chances: Out-of-fold probabilities, float (N, classes).
        run: Name and probabilities (N, classes) of a run that was trained on them.

    Raises:
        LeptonError: cleanlab is not installed.
    """
    reasons: dict[int, list[Reason]] = defaultdict(list)
    found = [by_label(pool, chances), by_neighbours(pool, x), by_copies(pool)]
    if run is not None:
        found.append(by_loss(pool, *run))
    for each in found:
        for place, reason in each:
            reasons[place].append(reason)
    ranked = [_suspect(place, told) for place, told in reasons.items()]
    return sorted(ranked, key=lambda suspect: (-suspect.score, suspect.place))


def by_label(pool: Pool, chances: Floats) -> Found:
    """Labels that a head which never saw the sample contradicts with confidence."""
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        raise LeptonError(
            "Doubtful labels are found by cleanlab, which is not installed.",
            "It comes with the extra `clean`.",
            "%pip install 'lepton-lab[clean]'",
        ) from None
    counts = np.bincount(pool.labels, minlength=len(pool.classes))
    judged = np.flatnonzero(counts >= FEWEST)  # of fewer samples a fold may hold all
    rows = np.flatnonzero(np.isin(pool.labels, judged))
    if len(judged) < 2:
        return
    some = chances[np.ix_(rows, judged)]
    some = some / np.maximum(some.sum(axis=1, keepdims=True), 1e-12)
    labels = np.searchsorted(judged, pool.labels[rows])
    # The reference paper's own rule; in one process, because a kernel must not be forked.
    flagged = find_label_issues(labels, some, filter_by="prune_by_noise_rate", n_jobs=1)
    for place, label, row in zip(rows[flagged], labels[flagged], some[flagged], strict=True):
        likely = int(row.argmax())
        words = (
            f"A head that never saw it says {_name(pool, judged[likely])} ({row[likely]:.2f}), "
            f"not {_name(pool, judged[label])} ({row[label]:.2f})."
        )
        suggested = int(judged[likely]) if likely != label else None
        yield int(place), Reason("label", words, 1 - float(row[label]), suggested)


def by_neighbours(pool: Pool, x: Floats) -> Found:
    """Samples most of whose nearest in feature space bear another label."""
    if len(pool) < 2:
        return
    near = neighbours.nearest(x)
    votes = neighbours.votes(pool.labels, near, len(pool.classes))
    best = votes.argmax(axis=1)
    for place in np.flatnonzero(best != pool.labels):
        count, of = int(votes[place, best[place]]), near.shape[1]
        if count >= _DISAGREE * of:
            words = f"{count} of its {of} nearest are {_name(pool, best[place])}."
            yield int(place), Reason("neighbours", words, count / of, int(best[place]))


def by_copies(pool: Pool) -> Found:
    """Copies and near copies: with another label grave, with the same one worth a look."""
    same: dict[str, int] = {}
    edges = [(same.setdefault(d, i), i) for i, d in enumerate(pool.digests)]
    if len(pool) <= _COPIES_AT_MOST:
        edges += pairs(pool.hashes)
    for members in groups([edge for edge in edges if edge[0] != edge[1]]):
        for place in members:
            others = [other for other in members if other != place]
            differing = [o for o in others if pool.labels[o] != pool.labels[place]]
            other = (differing or others)[0]
            exact = pool.digests[other] == pool.digests[place]
            noun = {"image": "picture"}.get(pool.samples.content.noun, pool.samples.content.noun)
            what = f"The same {noun} as" if exact else f"Nearly the same {noun} as"
            words = f'{what} "{visible(pool.samples[other].id)}" in {pool.sides[other]}'
            if differing:
                words += f", which is {_name(pool, pool.labels[other])}."
            elif place == members[0]:
                continue  # one of each group is the one to keep
            else:
                words += ", with the same label."
            yield place, Reason("copies", words, 0.9 if differing else 0.2)


def by_loss(pool: Pool, name: str, chances: Floats) -> Found:
    """The samples on which a trained run does worst, where it says another class."""
    truth = chances[np.arange(len(pool)), pool.labels]
    wrong = np.flatnonzero(chances.argmax(axis=1) != pool.labels)
    worst = wrong[np.argsort(truth[wrong], kind="stable")][: max(24, round(_WORST * len(pool)))]
    for place in worst:
        said = int(chances[place].argmax())
        words = (
            f"Run {visible(name)} says {_name(pool, said)}; it gives the label {truth[place]:.3f}."
        )
        yield int(place), Reason("loss", words, 1 - float(truth[place]), said)


def _suspect(place: int, reasons: Sequence[Reason]) -> Suspect:
    """The class with the most weight behind it is suggested."""
    weights: dict[int, float] = defaultdict(float)
    for reason in reasons:
        if reason.suggested is not None:
            weights[reason.suggested] += reason.weight
    suggested = max(weights, key=lambda name: (weights[name], -name), default=None)
    return Suspect(place, tuple(sorted(reasons, key=lambda r: -r.weight)), suggested)


def _name(pool: Pool, label: int | np.int64) -> str:
    return f'"{visible(pool.classes[int(label)])}"'
