# SPDX-License-Identifier: BSD-3-Clause
"""A threshold for yes-or-no decisions, chosen on val by what the user's mistakes cost.

It travels with the model in its preprocessing ("decision"), from where the artifact's answers take it; without one
the more probable class is the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError
from lepton_lab.rendering import visible

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Split
    from lepton_lab.evaluation import Evaluation
    from lepton_lab.workbench.handle import Run

TASK = "tabular-classification"
_WORDS = ("miss", "alarm", "yes")
_YES = ("yes", "true", "1", "1.0", "y", "t", "positive", "fraud", "churn", "default", "bad")
_HOW = 'cost={"miss": 5, "alarm": 1, "yes": "churned"}'


@dataclass(frozen=True)
class Decision:
    """What is a yes, from when on, and what mistakes cost.

    Attributes:
        yes: Index of the class that is a yes.
        name: Its name.
        threshold: Its least probability that is a yes.
        miss: Cost of a yes that was missed.
        alarm: Cost of a false yes.
    """

    yes: int
    name: str
    threshold: float
    miss: float
    alarm: float

    def notes(self, report: Evaluation) -> list[str]:
        """The cost on a report's samples at this threshold and at 0.5."""
        from lepton_lab.metrics.costs import cost_at

        scores, truth = report.probabilities[:, self.yes], report.targets == self.yes
        prices: dict[str, Any] = {"false_positive": self.alarm, "false_negative": self.miss}
        chosen, usual = (cost_at(at, scores, truth, **prices) for at in (self.threshold, 0.5))
        said = f"{chosen.per_sample:.4g} [{chosen.low:.4g}, {chosen.high:.4g}]"
        where = "here, so it is a little too low" if report.split == "val" else "chosen on val"
        return [
            f'A "{visible(self.name)}" from {self.threshold:.3f} on costs {said} per sample ({where}); '
            f"from 0.5 on {usual.per_sample:.4g}.",
            f"{chosen.false_positives} false alarms and {chosen.false_negatives} missed of {chosen.n} "
            f"(from 0.5 on {usual.false_positives} and {usual.false_negatives}); "
            f"always no costs {chosen.always_no:.4g}, always yes {chosen.always_yes:.4g}.",
        ]


def decide(built: BuiltModel, task: str, val: Split | None, cost: Any) -> Decision:
    """The threshold that costs least on val.

    Args:
        built: The model.
        task: What it does.
        val: The samples to choose on.
        cost: Prices of a "miss" and a false "alarm", and perhaps the class that is a "yes"; a mapping or
            text like "miss=5,alarm=1,yes=churned".

    Raises:
        LeptonError: The model takes no such decision, val is missing, or the cost cannot be read.
    """
    from lepton_lab.metrics.costs import best_threshold
    from lepton_lab.workbench.reporting import report_on

    if task != TASK or len(built.classes) != 2:
        raise LeptonError(
            "A cost is for models of tables with two classes.",
            f"This one is for {task} with {len(built.classes)} classes.",
            "lab.evaluate(run)",
        )
    if val is None or not len(val):
        raise LeptonError(
            "The threshold is chosen on val, and there is none here.",
            "On the samples that it is told on, its cost would look too good.",
            "lab.data('customers.csv', val=0.15)",
        )
    prices = _read(cost)
    report: Any = report_on(built, task, val, [])
    yes = _yes(tuple(built.classes), prices.get("yes"), report.targets)
    miss, alarm = float(prices["miss"]), float(prices["alarm"])
    threshold = best_threshold(
        report.probabilities[:, yes],
        report.targets == yes,
        false_positive=alarm,
        false_negative=miss,
    )
    return Decision(yes, str(built.classes[yes]), threshold, miss, alarm)


def val_of(source: Any, run: Run | None) -> Split | None:
    """The samples that a threshold is chosen on: val of the data in use, else of the run's own."""
    from lepton_lab.workbench.resolve import resolve_data

    lone = hasattr(source, "samples") and hasattr(source, "read")
    if lone or (source is None and run is not None):
        source = run.data if run is not None else None
        if source is None:
            return None
    found: Split | None = resolve_data(source).val
    return found


def deciding(built: BuiltModel, decision: Decision) -> BuiltModel:
    """The model with a decision in what it says of itself; the module is the same."""
    about = {"yes": decision.yes, "threshold": decision.threshold}
    return replace(built, preprocessing={**built.preprocessing, "decision": about})


def _read(cost: Any) -> dict[str, Any]:
    if isinstance(cost, str):
        cost = dict(part.split("=", 1) for part in cost.split(",") if "=" in part)
    try:
        found = {str(key).strip(): value for key, value in dict(cost).items()}
        wrong = sorted(set(found) - set(_WORDS))
        if wrong or not isinstance(cost, Mapping):
            raise ValueError(f'"{wrong[0]}" is none of {", ".join(_WORDS)}')
        return found | {name: float(found[name]) for name in ("miss", "alarm")}
    except (KeyError, IndexError, TypeError, ValueError) as error:
        said = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise LeptonError(
            "A cost needs the price of a miss and of a false alarm.", f"{said[:120]}.", _HOW
        ) from error


def _yes(classes: tuple[str, ...], asked: Any, targets: Any) -> int:
    """The class that is a yes: the one that was named, one that is called so, or the rarer one."""
    if asked is not None:
        if str(asked) not in classes:
            raise LeptonError(
                f'There is no class "{str(asked)[:60]}".', f"There are: {', '.join(classes)}.", _HOW
            )
        return classes.index(str(asked))
    called = [i for i, name in enumerate(classes) if name.strip().lower() in _YES]
    if len(called) == 1:
        return called[0]
    return int((targets == 1).sum() <= (targets == 0).sum())
