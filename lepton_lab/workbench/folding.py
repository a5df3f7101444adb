# SPDX-License-Identifier: BSD-3-Clause
"""Cross-validation: one run per fold, figures over all samples that were held out once, and the ensemble.

Every sample of train and val is judged by the one model that has not seen it, so the pooled figures rest on
all of them. The ensemble is the mean of the models' class probabilities; only the test split, which no
fold has seen, can judge it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError
from lepton_lab.rendering import Card, Table

if TYPE_CHECKING:
    from lepton_lab.datasets import Dataset
    from lepton_lab.evaluation import Evaluation, Report
    from lepton_lab.exporting import Artifact
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.model import LeptonModel

FEWEST, MOST = 2, 20


@dataclass(frozen=True, eq=False, repr=False)
class CrossValidation(Sequence["Run"]):
    """The runs of the folds, in order.

    Attributes:
        runs: One per fold.
        reports: Of each run on its own val split.
        data: The whole data set.
    """

    runs: tuple[Run, ...]
    reports: tuple[Evaluation | Report, ...]
    data: Dataset = field(repr=False)

    def __getitem__(self, index: Any) -> Any:
        return self.runs[index]

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def metric(self) -> str:
        """The headline metric: the task's own; where a fold has none (it holds one class only), the reports' first."""
        own = str(self.runs[0].best.get("metric", ""))
        if all(math.isfinite(report.get(own, math.nan)) for report in self.reports):
            return own
        return next(iter(self.reports[0]))

    @property
    def values(self) -> list[float]:
        """The headline metric of each fold."""
        return [float(report[self.metric]) for report in self.reports]

    @property
    def mean(self) -> float:
        """Over the folds."""
        return sum(self.values) / len(self.values)

    @property
    def spread(self) -> float:
        """The standard deviation over the folds; it is no interval: the folds share most of their samples."""
        return math.sqrt(sum((v - self.mean) ** 2 for v in self.values) / (len(self.values) - 1))

    @property
    def pooled(self) -> Evaluation | None:
        """The report on all samples of train and val, each by the model that has not seen it; of classes only.

        Areas under curves rank the answers of several models together here, so they may lie below the mean of
        the folds.
        """
        import numpy as np

        from lepton_lab.evaluation import Evaluation

        found = [report for report in self.reports if isinstance(report, Evaluation)]
        if len(found) < len(self.reports):
            return None
        return Evaluation.from_predictions(
            np.concatenate([report.probabilities for report in found]),
            np.concatenate([report.targets for report in found]),
            found[0].classes,
            ids=[name for report in found for name in report.ids],
            split=f"{len(found)} folds",
            notes=["Each sample was judged by the model that had not seen it."],
        )

    @property
    def model(self) -> LeptonModel:
        """The ensemble: the mean of the models' class probabilities.

        Raises:
            LeptonError: The task's answers are no class probabilities.
        """
        return ensemble(self.runs)

    def evaluate(self, split: str = "test") -> Evaluation | Report:
        """The ensemble on a split that no fold has trained on.

        Raises:
            LeptonError: The data has no test split.
        """
        from lepton_lab.workbench.reporting import report_on

        if split != "test" or self.data.test is None:
            raise LeptonError(
                "An ensemble of folds can only be judged on the test split.",
                "Its models have seen all other samples.",
                "lab.data(..., test=0.15)",
            )
        model = self.model
        return report_on(model.built, model.task, self.data.test, [f"Mean of {len(self)} models."])

    def export(self, to: Any = None, format: str = "onnx") -> Artifact:
        """The ensemble as one artifact, proven like every other; see `lab.export`."""
        from lepton_lab.workbench.shipping import export

        split = self.data.test or self.runs[0].data.val
        return export(self.model, format, to=to, data=split)

    def table(self) -> Table:
        """A row per fold."""
        rows = []
        for number, (run, report) in enumerate(zip(self.runs, self.reports, strict=True), 1):
            low, high = report.intervals.get(self.metric, (math.nan, math.nan))
            span = "–" if math.isnan(low) else f"{low:.3f} to {high:.3f}"
            rows.append((number, run.name, report["n"], f"{report[self.metric]:.3f}", span))
        return Table(("fold", "run", "n", self.metric, "95 % interval"), rows)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        facts = {self.metric: f"{self.mean:.3f} ± {self.spread:.3f} over the folds"}
        pooled = self.pooled
        if pooled is not None and self.metric in pooled.intervals:
            low, high = pooled.intervals[self.metric]
            facts["all held-out samples"] = (
                f"{pooled[self.metric]:.3f} [{low:.3f}, {high:.3f}], n = {pooled['n']}"
            )
        steps = ["folds.evaluate()", "folds.export()"] if self.data.test else ["folds.export()"]
        title = f"{len(self)} folds of {self.data.name}"
        return Card(title, facts, (self.table(),), steps)._repr_mimebundle_()


def cross_validate(
    model: Any, data: Any = None, folds: int = 5, *, isolate: bool = False, **options: Any
) -> CrossValidation:
    """Train once per fold, each time on the other folds; the test split stays out of it.

    Args:
        model: As in `lab.train`.
        data: As in `lab.train`.
        folds: How many, 2 to 20; stratified by class, copies and groups (`group=`) kept together.
        isolate: As in `lab.train`.
        **options: Fields of `TrainSpec`; `name` is the beginning of the runs' names.

    Raises:
        LeptonError: What is wrong, before anything is trained.
    """
    from lepton_lab.workbench.given import model_from
    from lepton_lab.workbench.learning import train
    from lepton_lab.workbench.reporting import report_on
    from lepton_lab.workbench.resolve import resolve_data

    if not FEWEST <= folds <= MOST:
        raise LeptonError(f"folds={folds} is not possible.", f"{FEWEST} to {MOST} are.", "folds=5")
    model, data = model_from(model), resolve_data(data)
    parts = [data.folded(f"{number}/{folds}") for number in range(1, folds + 1)]
    stem = options.pop("name", "")
    runs, reports = [], []
    for number, part in enumerate(parts, 1):
        name = f"{stem}-fold{number}" if stem else ""
        run = train(copy.copy(model), part, isolate=isolate, name=name, **options)
        if run.state != "done":
            raise LeptonError(
                f"Fold {number} of {folds} was not trained to its end (run '{run.name}' is {run.state}).",
                f"{number - 1} folds are whole.",
                f"lab.resume('{run.name}')",
            )
        notes = ["val also chose the best epoch, so this is a little optimistic."]
        runs.append(run)
        reports.append(report_on(run.model.built, run.model.task, part.val, notes))
    return CrossValidation(tuple(runs), tuple(reports), data)


def ensemble(runs: Sequence[Run]) -> LeptonModel:
    """The mean of the class probabilities of several runs as one model.

    Raises:
        LeptonError: Their answers are no class probabilities, or their preparation differs.
    """
    from lepton_lab.exporting.signatures import signatures
    from lepton_lab.workbench.mixture import Mixture
    from lepton_lab.workbench.model import LeptonModel

    first = runs[0].model
    kind = signatures.get(first.task).interface(first.built)["output"].get("kind", "classes")
    if kind != "classes":
        raise LeptonError(
            f"Models for {first.task} cannot be averaged.",
            "An ensemble is the mean of class probabilities.",
            f"lab.export('{runs[0].name}')",
        )
    models = [run.model.built for run in runs]
    alike = all(
        (one.preprocessing, one.files, one.classes)
        == (models[0].preprocessing, models[0].files, models[0].classes)
        for one in models
    )
    if not alike:
        raise LeptonError(
            "These models cannot be averaged: they prepare their inputs differently.",
            "What a preparation learned from its training samples differs from fold to fold.",
            f"lab.export('{runs[0].name}')",
        )
    built = replace(
        models[0],
        module=Mixture([one.module for one in models]).eval(),
        weights=f"mean of {', '.join(run.name for run in runs)}",
    )
    found = LeptonModel(first.spec, built, first.task)
    found.title = f"{runs[0].name}-and-{len(runs) - 1}-more"
    return found
