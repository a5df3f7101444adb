# SPDX-License-Identifier: BSD-3-Clause
"""The learning-rate range test (arXiv 1506.01186), without a trace.

It trains a copy of the model while the rate rises and watches where the loss falls fastest. The model,
its statistics and the generators are afterwards what they were, to the bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.datasets import Dataset
from lepton_lab.spec import TrainSpec
from lepton_lab.training.plan import Plan
from lepton_lab.training.trial import trial

if TYPE_CHECKING:
    from lepton_lab.tasks.contract import BuiltModel

LOWEST, HIGHEST = 1e-6, 1.0


@dataclass(frozen=True)
class RateFinding:
    """What the test saw.

    Attributes:
        rates: Learning rates tried, rising, float64 (N,).
        losses: Smoothed loss after each, float64 (N,); the test ends where it explodes.
        suggestion: The rate to train with.
    """

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from lepton_lab.rendering import Card, learning_rate

        tried = f"{learning_rate(self.rates[0])} to {learning_rate(self.rates[-1])} in {len(self.rates)} steps"
        card = Card(
            f"Suggested learning rate: {learning_rate(self.suggestion)}",
            {
                "tried": tried,
                "lowest loss": f"{self.losses.min():.3f} at {learning_rate(self.rates[self.losses.argmin()])}",
            },
            next_steps=[f"--lr={learning_rate(self.suggestion)}"],
        )
        return card._repr_mimebundle_()


def find(
    built: BuiltModel, data: Dataset, spec: TrainSpec, plan: Plan, task: str, steps: int = 100
) -> RateFinding:
    """Run the test on a copy of the model.

    Args:
        built: The model; it is not changed.
        data: The training split is used, augmented as in training.
        spec: Optimizer, freezing and the rest as in training.
        plan: The decided values.
        task: Name of the task.
        steps: Rates to try at most.
    """
    rates = np.geomspace(LOWEST, HIGHEST, steps)
    losses: list[float] = []
    with trial(built, data, spec, plan, task) as one:
        for number, batch in enumerate(one.batches(steps)):
            losses.append(one.step(number, batch, rates[number]))
            if not math.isfinite(losses[-1]) or losses[-1] > 4 * min(losses):
                break
    return suggest(rates, np.array(losses))


def suggest(rates: np.ndarray, losses: np.ndarray) -> RateFinding:
    """The rate where the smoothed loss falls fastest before its lowest point, a factor 2 on the safe side."""
    finite = losses[np.isfinite(losses)]
    smooth = _smoothed(finite)
    used = rates[: len(smooth)]
    lowest = int(smooth.argmin())
    slopes = (
        np.gradient(smooth[: lowest + 1], np.log(used[: lowest + 1]))
        if lowest >= 2
        else np.zeros(1)
    )
    suggestion = used[int(slopes.argmin())] / 2 if lowest >= 2 else used[lowest] / 10
    return RateFinding(used, smooth, float(f"{suggestion:.2g}"))


def _smoothed(values: np.ndarray, weight: float = 0.9) -> np.ndarray:
    """Exponential smoothing with the usual correction of its start."""
    average, out = 0.0, []
    for number, value in enumerate(values, 1):
        average = weight * average + (1 - weight) * value
        out.append(average / (1 - weight**number))
    return np.array(out)
