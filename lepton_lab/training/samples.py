# SPDX-License-Identifier: BSD-3-Clause
"""What the model says of a few samples after each epoch, for those who watch the run.

It costs next to nothing: the evaluation of the epoch has the outputs already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lepton_lab.datasets import Split
    from lepton_lab.tasks import Task

SHOWN = 6


def places(count: int, shown: int = SHOWN) -> list[int]:
    """Samples spread evenly over a split, the same in each epoch.

    >>> places(100), places(2)
    ([0, 20, 40, 59, 79, 99], [0, 1])
    """
    few = min(shown, count)
    return [round(i * (count - 1) / max(few - 1, 1)) for i in range(few)]


def described(task: Task, split: Split, outputs: Any) -> list[dict[str, Any]]:
    """What the outputs (N, ...) of a split say of a few of its samples; plain values."""
    return [
        {"place": place, **task.describe(outputs, split, place)} for place in places(len(split))
    ]
