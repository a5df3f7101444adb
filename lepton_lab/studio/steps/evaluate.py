# SPDX-License-Identifier: BSD-3-Clause
"""Evaluate: metrics with intervals, what is taken for what, curves, the worst samples."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError
from lepton_lab.evaluation import findings
from lepton_lab.evaluation.drawings.confusion import most_confused_classes
from lepton_lab.magics.verb import Part, Request
from lepton_lab.magics.verbs import verbs
from lepton_lab.magics.verbs.evaluate import EvaluateOptions
from lepton_lab.studio import blocks
from lepton_lab.studio.contract import (
    Action,
    Block,
    Change,
    Mark,
    Step,
    Tell,
    ask,
    changed,
    given,
    made_from,
)
from lepton_lab.studio.state import Result, State
from lepton_lab.studio.steps import cleaning
from lepton_lab.studio.steps.run import over, run_of

if TYPE_CHECKING:
    from lepton_lab.evaluation import Evaluation, Report

HEAD = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
MORE = ("top5", "log_loss", "roc_auc", "average_precision", "ece", "brier")
CURVES = ("roc", "calibration", "pr", "per_class")
WORST, CELLS = 9, 20
logger = logging.getLogger(__name__)


def wanted(state: State) -> Request:
    """The request for the evaluation of the run of this Studio.

    Raises:
        LeptonError: There is no run yet.
    """
    return ask(
        verbs.get("evaluate"),
        {"model": run_of(state).name},
        given(state, "evaluate", EvaluateOptions),
    )


def stale(state: State) -> bool:
    """Whether the evaluation is of another run or split than the fields name."""
    return changed(state, "evaluate", wanted)


def _panel(state: State) -> list[Block]:
    why = "" if over(state) else "The run must end first."
    where = "run" if state.result("train") is not None else "train"
    result = state.results.get("evaluate")
    option = EVALUATE.options["split"]
    split = blocks.field(state, "evaluate", option, words="Split", empty="test, else val")
    made = [
        *([blocks.note("missing", why, "stale", where)] if why else []),
        blocks.fields("options", [{**split, "help": "the samples to report on"}]),
        blocks.buttons(
            "go", blocks.button("evaluate", "Evaluate", primary=result is None, off=why)
        ),
        *blocks.error("failed", state.lines("evaluate")),
    ]
    return made if result is None else [*made, *_shown(state, result)]


def _shown(state: State, result: Result) -> Iterator[Block]:
    from lepton_lab.evaluation import Report

    if stale(state):
        yield blocks.note("stale", "This is of another run or split. Evaluate again.", "stale")
    if isinstance(result.value, Report):
        yield from _of_report(result.value)
        return
    evaluation: Evaluation = result.value
    title = f"{evaluation.measured.n} samples of {evaluation.split}, 95 % intervals"
    for number, words in enumerate(evaluation.notes):
        yield blocks.note(f"note-{number}", words)
    shown = most_confused_classes(evaluation.confusion)
    names = [evaluation.classes[i] for i in shown]
    counts = evaluation.confusion[shown][:, shown]
    columns = ("metric", "value", "95 % interval")
    yield blocks.group(
        "numbers",
        blocks.table("metrics", columns, _metrics(evaluation), title=title),
        blocks.matrix("confusion", "Confusion: true by predicted", names, counts, shown),
    )
    charts = [blocks.chart(f"chart-{kind}", svg) for kind, svg in result.about["curves"]]
    yield blocks.group("charts", *charts)
    cells = findings.confused_cells(evaluation.confusion, CELLS)
    choices = [
        (f"{true},{predicted}", _cell(evaluation, true, predicted)) for true, predicted in cells
    ]
    picked = _picked(state, evaluation)
    if picked is not None and picked not in cells:
        choices.append((f"{picked[0]},{picked[1]}", _cell(evaluation, *picked)))
    yield blocks.fields(
        "cells",
        [
            blocks.choice(
                state, "evaluate", "cell", "Show samples", [("", "highest loss"), *choices],
                help="or click a cell of the matrix",
            )
        ],
    )  # fmt: skip
    if picked is None:
        yield blocks.gallery("worst", "Worst samples, highest loss first", result.about["worst"])
    else:
        inside = findings.cell_indexes(evaluation.measured, *picked, WORST)
        title = f"Samples of {_cell(evaluation, *picked)}"
        yield blocks.gallery("cell", title, list(_samples(evaluation, inside)))
    yield from blocks.error("look-failed", state.lines("clean"))
    yield blocks.buttons(
        "next",
        blocks.button("go:export", "Next: export", primary=True),
        blocks.button("clean", "Look for wrong labels in the data"),
    )


def _of_report(report: Report) -> Iterator[Block]:
    """What a report says that is not of one class per sample."""
    for number, words in enumerate(report.notes):
        yield blocks.note(f"note-{number}", words)
    metrics, classes = report.metrics(), report.per_class
    title = f"{report['n']} samples of {report.split}, 95 % intervals"
    yield blocks.table("metrics", metrics.columns, metrics.rows, title=title)
    if classes.rows:
        yield blocks.table("classes", classes.columns, classes.rows, title="Classes", tall=True)
    worst = report.worst(WORST)
    if worst:
        rows = [[str(value) for value in sample.values()] for sample in worst]
        yield blocks.table("worst", list(worst[0]), rows, title="Worst samples", tall=True)
    yield blocks.buttons("next", blocks.button("go:export", "Next: export", primary=True))


def _metrics(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    rows = []
    for name in (*HEAD, *MORE):
        if name in evaluation and not math.isnan(evaluation[name]):
            low, high = evaluation.intervals[name]
            span = "–" if math.isnan(low) else f"{low:.3f} to {high:.3f}"
            rows.append((name, f"{evaluation[name]:.3f}", span))
    return rows


def _evaluate(state: State, tell: Tell) -> Change:
    from lepton_lab import workbench
    from lepton_lab.evaluation import Evaluation

    if not over(state):
        raise LeptonError("The run must end first.", "", "Wait for it, or stop it.")
    request = wanted(state)
    evaluation = workbench.evaluate(run_of(state), **request.given(EvaluateOptions))
    tell("Drawing", 0.8)
    about: dict[str, Any] = {}
    if isinstance(evaluation, Evaluation):
        worst = findings.worst_indexes(evaluation.measured, WORST)
        about["curves"] = [(kind, evaluation.plot(kind).svg) for kind in CURVES]
        about["worst"] = list(_samples(evaluation, worst))
    result = Result(evaluation, made_from(request), about)
    metric = next(iter(evaluation))
    said = f"{metric.replace('_', ' ').capitalize()} {evaluation[metric]:.3f} on {evaluation.split}."
    return lambda now: replace(now.with_result("evaluate", result), say=said)


def _clean(state: State, tell: Tell) -> Change:
    """Open the cleaning, which stands beside the data."""
    change = cleaning.look(state, tell)

    def found(now: State) -> State:
        after = change(now)
        return after if after.lines("clean") else replace(after, open="data")

    return found


def _picked(state: State, evaluation: Evaluation) -> tuple[int, int] | None:
    """The cell of the matrix that was chosen: (true, predicted), or None."""
    true, _, predicted = str(state.value("evaluate", "cell")).partition(",")
    if not (true.isdecimal() and predicted.isdecimal()):
        return None
    cell = int(true), int(predicted)
    return cell if max(cell) < len(evaluation.classes) else None


def _cell(evaluation: Evaluation, true: int, predicted: int) -> str:
    one, other = evaluation.classes[true], evaluation.classes[predicted]
    count = int(evaluation.confusion[true, predicted])
    return f"{one} taken for {other} ({count})" if true != predicted else f"{one}, right ({count})"


def _samples(evaluation: Evaluation, indexes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for i in indexes:
        one = evaluation.sample(int(i))
        words = one.true if one.true == one.predicted else f"{one.true} taken for {one.predicted}"
        caption = f"{words} ({one.probability:.2f}), loss {one.loss:.2f}, {one.id}"
        yield _picture(evaluation, int(i)), caption


def _picture(evaluation: Evaluation, index: int) -> str:
    """The sample's picture, or nothing when it cannot be read any more."""
    if evaluation.picture is None:
        return ""
    try:
        return blocks.picture(evaluation.picture(index))
    except Exception as error:  # the reader is of the data's source: a report never fails over it
        logger.debug("sample %d has no picture: %s", index, error)
        return ""


def _mark(state: State) -> tuple[Mark, str]:
    result = state.results.get("evaluate")
    if result is None:
        return ("", "ready") if over(state) else ("locked", "needs a run")
    if stale(state):
        return "stale", "another run or split"
    return "done", f"accuracy {result.value['accuracy']:.3f}"


EVALUATE = Step(
    key="evaluate",
    title="Evaluate",
    parts=(Part(EvaluateOptions),),
    own=("cell",),
    panel=_panel,
    mark=_mark,
    request=wanted,
    actions={
        "evaluate": Action("Evaluating", _evaluate),
        "clean": Action("Looking for wrong labels and copies", _clean),
    },
    name="evaluation",
)
