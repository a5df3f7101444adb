# SPDX-License-Identifier: BSD-3-Clause
"""Average precision of boxes as COCO defines it, with intervals over images.

Which found box is which true one is decided by pycocotools, the reference (Lin et al., arXiv
1405.0312). Its counting is done again here, because the bootstrap needs it with images counted
several times; with each counted once the numbers are the library's own, digit for digit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lepton_lab.errors import LeptonError
from lepton_lab.metrics.intervals import Interval, percentile, unless_certain

Floats = NDArray[np.float64]
THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MOST = 100
RESAMPLES = 200


@dataclass(frozen=True)
class Truth:
    """The boxes of one image.

    Attributes:
        corners: Float (n, 4): left, top, right, bottom in pixels.
        classes: Int (n,).
        crowd: Bool (n,): what is found inside such a box counts neither way.
    """

    corners: NDArray[Any]
    classes: NDArray[np.int64]
    crowd: NDArray[np.bool_]


@dataclass(frozen=True)
class _OfClass:
    """The found boxes of one class over all images, best first.

    `score` is float (n,); `hit` and `counts` are bool (10, n), per threshold; `image` is the image of each,
    int (n,); `truths` are the true boxes of each image, int (images,).
    """

    score: Floats
    hit: NDArray[np.bool_]
    counts: NDArray[np.bool_]
    image: NDArray[np.int64]
    truths: NDArray[np.int64]


class BoxMeasurement:
    """Average precision of found boxes against true ones.

    Args:
        found: Per image float (n, 6): score, class, left, top, right, bottom in pixels; rows with the
            score 0 are filling. The 100 best of each class count.
        truths: Per image its true boxes.
        classes: Number of classes.

    Raises:
        LeptonError: pycocotools is not installed.

    Attributes:
        per_class: Float (classes, 10): average precision by class and threshold; NaN where no image
            has the class.
    """

    def __init__(
        self, found: Sequence[NDArray[Any]], truths: Sequence[Truth], classes: int
    ) -> None:
        self.n, self.classes = len(truths), classes
        self._matched = _match(found, truths, classes)
        self.per_class = self._precision(np.ones(self.n))

    @property
    def values(self) -> dict[str, float]:
        """`map50`, `map` (the mean over the thresholds 0.50 to 0.95) and `map75`."""
        return _named(self.per_class)

    def intervals(self, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Interval]:
        """The 95 % interval of each value, by drawing whole images with replacement."""
        generator = np.random.default_rng(seed)
        drawn = [
            _named(self._precision(generator.multinomial(self.n, np.full(self.n, 1 / self.n))))
            for _ in range(resamples)
        ]
        found = {}
        for name, point in self.values.items():
            bounds = percentile(np.array([values[name] for values in drawn]), point)
            found[name] = unless_certain(bounds, point, self.n)
        return found

    def by_image(self, threshold: float) -> Floats:
        """F1 of each image at an overlap of one half, float (images,).

        Args:
            threshold: The lowest score of a box that counts as found; 1.0 where nothing is to be found
                and nothing was.
        """
        hits, misses, truths = np.zeros((3, self.n))
        for one in self._matched:
            sure = one.score >= threshold
            np.add.at(hits, one.image[sure], one.hit[0, sure])
            np.add.at(misses, one.image[sure], (one.counts & ~one.hit)[0, sure])
            truths += one.truths
        both = hits + misses + truths
        return np.where(both > 0, 2 * hits / np.maximum(both, 1), 1.0)

    def _precision(self, weights: NDArray[Any]) -> Floats:
        """Average precision (classes, 10), with image i counted `weights[i]` times."""
        return np.array([_average_precision(one, weights) for one in self._matched]).reshape(
            self.classes, len(THRESHOLDS)
        )


def require() -> Any:
    """The library pycocotools. Raises LeptonError that says what to install."""
    try:
        from pycocotools import cocoeval
    except ImportError as error:
        raise LeptonError(
            "Boxes are measured by pycocotools, which is not installed.",
            "It decides which found box is which true one, as in COCO.",
            "pip install 'lepton-lab[detection]'",
        ) from error
    return cocoeval


def _named(precision: Floats) -> dict[str, float]:
    present = precision[~np.isnan(precision[:, 0])]
    if not len(present):
        return {"map50": float("nan"), "map": float("nan"), "map75": float("nan")}
    by_threshold = present.mean(axis=0)
    return {
        "map50": float(by_threshold[0]),
        "map": float(by_threshold.mean()),
        "map75": float(by_threshold[5]),
    }


def _average_precision(one: _OfClass, weights: NDArray[Any]) -> Floats:
    """(10,): the mean over 101 recalls of the best precision at that recall or a higher one."""
    positives = float(one.truths @ weights)
    if positives == 0:
        return np.full(len(THRESHOLDS), np.nan)
    weight = weights[one.image]
    hits = np.cumsum(one.hit * weight, axis=1)
    misses = np.cumsum((one.counts & ~one.hit) * weight, axis=1)
    precision = hits / np.maximum(hits + misses, np.spacing(1))
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    made = np.zeros(len(THRESHOLDS))
    for i, recall in enumerate(hits / positives):
        place = np.searchsorted(recall, RECALLS, side="left")
        reached = place < len(recall)
        made[i] = best[i][place[reached]].sum() / len(RECALLS)
    return made


def _match(found: Sequence[NDArray[Any]], truths: Sequence[Truth], classes: int) -> list[_OfClass]:
    """Let pycocotools match image by image and class by class.

    Its own loop over images prints what it does, so its two steps are called here.
    """
    evaluation = require().COCOeval(iouType="bbox")
    evaluation.params.maxDets, evaluation.params.iouThrs = [MOST], THRESHOLDS
    evaluation._gts, evaluation._dts = _truths(truths), _found(found)
    everything = [0, 1e10]
    matched = []
    for kind in range(classes):
        images = range(len(truths))
        evaluation.ious = {(i, kind): evaluation.computeIoU(i, kind) for i in images}
        matched.append(
            _of_class([evaluation.evaluateImg(i, kind, everything, MOST) for i in images])
        )
    return matched


def _of_class(images: list[Any]) -> _OfClass:
    """One class of all images, its found boxes sorted as the library sorts them: by score, stable."""
    scores, hits, counts, places = [], [], [], []
    truths = np.zeros(len(images), np.int64)
    for i, image in enumerate(images):
        if image is None:
            continue
        scores.append(np.asarray(image["dtScores"], np.float64))
        hits.append(np.asarray(image["dtMatches"], bool).reshape(len(THRESHOLDS), -1))
        counts.append(~np.asarray(image["dtIgnore"], bool).reshape(len(THRESHOLDS), -1))
        places.append(np.full(len(scores[-1]), i, np.int64))
        truths[i] = int((~np.asarray(image["gtIgnore"], bool)).sum())
    if not scores:
        empty = np.zeros((len(THRESHOLDS), 0), bool)
        return _OfClass(np.zeros(0), empty, empty, np.zeros(0, np.int64), truths)
    score = np.concatenate(scores)
    order = np.argsort(-score, kind="mergesort")
    kept = np.concatenate(counts, axis=1)[:, order]
    hit = np.concatenate(hits, axis=1)[:, order] & kept
    return _OfClass(score[order], hit, kept, np.concatenate(places)[order], truths)


Rows = dict[tuple[int, int], list[dict[str, Any]]]


def _truths(truths: Sequence[Truth]) -> Rows:
    rows: Rows = defaultdict(list)
    for i, truth in enumerate(truths):
        for corners, kind, crowd in zip(truth.corners, truth.classes, truth.crowd, strict=True):
            row = _row(i, corners) | {"iscrowd": int(crowd), "ignore": int(crowd)}
            rows[i, int(kind)].append(row)
    return _numbered(rows)


def _found(found: Sequence[NDArray[Any]]) -> Rows:
    rows: Rows = defaultdict(list)
    for i, image in enumerate(found):
        for score, kind, *corners in image.tolist():
            if score > 0:
                rows[i, int(kind)].append(_row(i, corners) | {"score": score})
    return _numbered(rows)


def _row(image: int, corners: Sequence[float]) -> dict[str, Any]:
    left, top, right, bottom = (float(value) for value in corners)
    width, height = right - left, bottom - top
    return {"image_id": image, "bbox": [left, top, width, height], "area": width * height}


def _numbered(rows: Rows) -> Rows:
    """Give each row an id; 0 would mean that it matches nothing."""
    for number, row in enumerate((row for group in rows.values() for row in group), 1):
        row["id"] = number
    return rows
