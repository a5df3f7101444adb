# SPDX-License-Identifier: BSD-3-Clause
"""Regression on rows of a table: a price, a demand, a duration.

The network learns the standardised target by its squared error; every answer is in the target's own
unit. Boosted trees on the same rows stand in the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.metrics.intervals import percentile, resample_means
from lepton_lab.metrics.regression import regression_intervals, regression_values
from lepton_lab.tasks import baseline
from lepton_lab.tasks.contract import Figures, TaskRecord
from lepton_lab.tasks.rows import RowBatch, RowTask, build
from lepton_lab.tasks.tabular_classification import verdict

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Split
    from lepton_lab.spec import TrainSpec

NAME = "tabular-regression"
_WORST = 9


class TabularRegression(RowTask):
    """The task for one model: see `contract.Task`."""

    metric = "rmse"
    higher_is_better = False
    guess = 1.0
    unknown = float("nan")
    dtype = np.float64

    def __init__(self, built: BuiltModel, spec: TrainSpec, flip: bool) -> None:
        super().__init__(built, spec, flip)
        number = built.preprocessing.get("number", {"mean": 0.0, "std": 1.0})
        self.mean, self.std = float(number["mean"]), float(number["std"])

    def loss(self, module: torch.nn.Module, batch: RowBatch, device: torch.device) -> torch.Tensor:
        """The mean squared error of the standardised number."""
        import torch.nn.functional as F

        wanted = ((batch.labels - self.mean) / self.std).float().to(device)
        return F.mse_loss(self.raw(module, batch, device)[:, 0], wanted)

    def outputs(self, module: torch.nn.Module, batch: RowBatch, device: torch.device) -> np.ndarray:
        """The numbers in the target's unit, float64 (N,)."""
        raw = self.raw(module, batch, device)[:, 0].cpu().numpy().astype(np.float64)
        found: np.ndarray = raw * self.std + self.mean
        return found

    def describe(self, outputs: np.ndarray, split: Split, index: int) -> dict[str, Any]:
        """The number of the row and the one that is predicted; there is no probability."""
        label = split[index].label
        return {
            "expected": "" if label is None else f"{label:.6g}",
            "predicted": f"{float(outputs[index]):.6g}",
            "probability": None,
        }

    def score(self, outputs: np.ndarray, targets: np.ndarray) -> Mapping[str, float]:
        """Root mean squared error, mean absolute error, share of variance explained."""
        found = regression_values(outputs, targets)
        return {name: found[name] for name in ("rmse", "mae", "r2")}

    def figures(self, outputs: np.ndarray, targets: np.ndarray, split: Split) -> Figures:
        """Every metric with its interval, the boosted trees below, and the rows that are farthest off."""
        known = ~np.isnan(targets)
        mine, truth = outputs[known], targets[known]
        values, intervals = regression_values(mine, truth), regression_intervals(mine, truth)
        notes = []
        found = self.beside(split)
        if found is not None:
            trees = found[known]
            for name, value in regression_values(trees, truth).items():
                values[f"{name} ({baseline.NAME})"] = value
            for name, span in regression_intervals(trees, truth).items():
                intervals[f"{name} ({baseline.NAME})"] = span
            gain = np.abs(mine - truth) - np.abs(trees - truth)
            point = float(gain.mean())
            low, high = percentile(resample_means(gain[:, None])[:, 0], point)
            notes.append(verdict(point, low, high, "gain in mae"))
        error = np.where(known, np.abs(outputs - targets), -1.0)
        worst = [
            {
                "id": split[i].id,
                "true": float(targets[i]),
                "predicted": float(outputs[i]),
                "off by": float(error[i]),
            }
            for i in np.argsort(-error, kind="stable")[:_WORST].tolist()
            if known[i]
        ]
        return Figures(
            values=values,
            intervals=intervals,
            worst=worst,
            notes=notes,
            scores=-np.abs(outputs - targets),
            score_name="minus the absolute error",
        )


RECORD = TaskRecord(
    name=NAME,
    description="A number per row of a table.",
    content="row",
    labels="number",
    create=TabularRegression,
    build=partial(build, task=NAME),
)
