# SPDX-License-Identifier: BSD-3-Clause
"""`evaluate`: a model or a run on samples that it has not learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lepton_lab.workbench.given import model_and_run
from lepton_lab.workbench.held_out import chosen_split

if TYPE_CHECKING:
    from lepton_lab.evaluation import Evaluation, Report


def evaluate(
    model: Any = None, data: Any = None, split: str | None = None, *, cost: Any = None
) -> Evaluation | Report:
    """Metrics with 95 % intervals on held-out samples.

    Args:
        model: A model, a run or a name; the latest run when left out.
        data: A `Dataset`, one of its splits, or anything that `lab.data` takes; the run's own when left out.
        split: "train", "val" or "test"; the test split when there is one, else val.
        cost: Of a table's two classes: what a missed yes and a false alarm cost, {"miss": 5, "alarm": 1}
            (and "yes": its class). The threshold that costs least on val is told with its cost here.

    Raises:
        LeptonError: The data's classes are not the model's.
    """
    from lepton_lab.workbench.reporting import report_on

    model, run = model_and_run(model)
    source = data if data is not None else (run.data if run is not None else None)
    chosen, notes = chosen_split(source, split, run)
    report = report_on(model.built, model.task, chosen, notes)
    if cost is not None:
        from lepton_lab.workbench.deciding import decide, val_of

        decision = decide(model.built, model.task, val_of(source, run), cost)
        told: Any = report
        told.notes[:0] = decision.notes(told)
    return report
