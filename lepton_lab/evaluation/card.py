# SPDX-License-Identifier: BSD-3-Clause
"""How an evaluation shows itself: twelve lines of text, or one static page without script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lepton_lab.evaluation import findings
from lepton_lab.evaluation.pictures import Reader, thumbnail
from lepton_lab.evaluation.svg import label, tail
from lepton_lab.rendering import TEXT_LINES, Table, escape

if TYPE_CHECKING:
    from lepton_lab.evaluation.report import Evaluation

WORST, PAIRS, EXAMPLES = 9, 5, 2
CLASS_ROWS = 30
_LEFT = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
_RIGHT = ("top5", "log_loss", "roc_auc", "average_precision", "ece", "brier")


def text(ev: Evaluation) -> str:
    """At most twelve lines: headline metrics with intervals, the worst confusion, the notes."""
    lines = [_title(ev)]
    right = [name for name in _RIGHT if name in ev]
    cells = {name: f"{name:<18}{_number(ev, name)}" for name in (*_LEFT, *right)}
    for i in range(max(len(_LEFT), len(right))):
        first = cells[_LEFT[i]] if i < len(_LEFT) else ""
        second = cells[right[i]] if i < len(right) else ""
        lines.append(f"{first:<42}{second}".rstrip())
    for name, other in ev.beside.items():
        figures = ", ".join(f"{key} {_cell(other.values[key])}" for key in ("accuracy", "roc_auc", "log_loss"))
        lines.append(f"{label(name, 40)}: {figures}")
    lines += [f"most confused: {_pair(pair)}" for pair in ev.confused(1)]
    room = TEXT_LINES - len(lines)
    notes = [label(f"note: {note}", 110) for note in ev.notes]
    if len(notes) > room:
        notes = [*notes[: room - 1], f"… {len(notes) - room + 1} more notes (.notes)"]
    return "\n".join(lines + notes)


def html(ev: Evaluation) -> str:
    """A static page: metrics, notes, confusion matrix, calibration, classes, worst samples."""
    notes = "".join(f"<div>Note: {escape(label(note, 400))}</div>" for note in ev.notes)
    headline, others = metric_tables(ev)
    pictures = [
        f'<div style="overflow-x:auto">{ev.plot(kind).svg}</div>'
        for kind in ("confusion", "calibration")
    ]
    return (
        f'<div class="lepton-evaluation" style="color:var(--jp-ui-font-color1,inherit)">'
        f"<div><b>{escape(_title(ev))}</b></div>{notes}"
        f"{_row([headline.html(), *pictures])}"
        f"<details><summary>Other averages</summary>{others.html()}</details>"
        f"<details><summary>Per class</summary>{_classes(ev).html(CLASS_ROWS)}</details>"
        f"{_confused(ev)}{_worst(ev)}</div>"
    )


def metric_tables(ev: Evaluation) -> tuple[Table, Table]:
    """The headline metrics with their 95 % intervals, and the other averages."""
    others = [one.values for one in ev.beside.values()]
    rows = {
        name: (name, _cell(ev[name]), _span(*ev.intervals[name]), *(_cell(o[name]) for o in others))
        for name in ev.intervals
    }
    head = [row for name, row in rows.items() if name in _LEFT + _RIGHT]
    rest = [row for name, row in rows.items() if name not in _LEFT + _RIGHT]
    columns = ("metric", "value", "95 % interval", *(label(name, 40) for name in ev.beside))
    return Table(columns, head, note="Averages are macro; log_loss in nats."), Table(columns, rest)


def class_table(columns: dict[str, list[Any]]) -> Table:
    """The per-class columns as a table; a dash where there is nothing to measure."""
    spans = map(_span, columns["recall_low"], columns["recall_high"])
    parts = [
        [label(name, 40) for name in columns["class"]],
        columns["n"],
        map(_cell, columns["precision"]),
        map(_cell, columns["recall"]),
        spans,
        *(map(_cell, columns[name]) for name in ("f1", "roc_auc", "average_precision")),
    ]
    rows = list(zip(*parts, strict=True))
    empty = 0 in columns["n"]
    return Table(
        ("class", "n", "precision", "recall", "recall 95 %", "f1", "roc_auc", "average_precision"),
        rows,
        title=f"{len(rows)} classes",
        note="–: n/a, the class has no sample in this split" if empty else "",
    )


def names(items: Sequence[str], most: int = 5) -> str:
    """Some names in a row, and how many more there are."""
    shown = ", ".join(label(item) for item in items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


def _title(ev: Evaluation) -> str:
    classes = f"{len(ev.classes)} class{'es' if len(ev.classes) != 1 else ''}"
    samples = f"{ev.measured.n} sample{'s' if ev.measured.n != 1 else ''}"
    about = f"{samples}, {classes}; macro averages, 95 % intervals"
    return f"Evaluation on {label(ev.split, 40)}: {about}"


def _number(ev: Evaluation, name: str) -> str:
    low, high = ev.intervals[name]
    value = ev[name]
    return "n/a" if math.isnan(value) else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _pair(pair: findings.ConfusedPair) -> str:
    return f"{label(pair.true)} taken for {label(pair.predicted)}, {pair.errors} of {pair.of}"


def _cell(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _span(low: float, high: float) -> str:
    return "–" if math.isnan(low) else f"{low:.3f} to {high:.3f}"


def _classes(ev: Evaluation) -> Table:
    """All classes in their order, or of very many the weakest ones."""
    if len(ev.classes) <= CLASS_ROWS:
        return ev.per_class
    rows = sorted(ev.per_class.rows, key=lambda row: (row[5] == "–", row[5]))
    title = f"{len(rows)} classes, lowest F1 first"
    return Table(ev.per_class.columns, rows, title, note="All: .to_pandas('classes')")


def _worst(ev: Evaluation) -> str:
    head = "<div><b>Highest loss</b></div>"
    samples = ev.worst(WORST)
    if ev.picture is None:
        rows = [
            (tail(s.id, 60), label(s.true), label(s.predicted), _cell(s.probability), _cell(s.loss))
            for s in samples
        ]
        columns = ("sample", "true", "predicted", "probability", "loss")
        return head + Table(columns, rows).html()
    frames = [
        _frame(ev.picture, int(i), sample)
        for i, sample in zip(findings.worst_indexes(ev.measured, WORST), samples, strict=True)
    ]
    return head + _row(frames)


def _confused(ev: Evaluation) -> str:
    """The most confused pairs, each with the surest mistakes as pictures or as names."""
    pairs = ev.confused(PAIRS, EXAMPLES)
    if not pairs:
        return "<div>No sample was misclassified.</div>"
    blocks = []
    cells = findings.confused_cells(ev.confusion, PAIRS)
    for pair, (true, predicted) in zip(pairs, cells, strict=True):
        below = f"<div>{escape(', '.join(tail(name, 60) for name in pair.examples))}</div>"
        if ev.picture is not None:
            found = findings.cell_indexes(ev.measured, true, predicted, EXAMPLES)
            below = _row([_frame(ev.picture, int(i), ev.sample(int(i))) for i in found])
        blocks.append(f'<div style="max-width:280px"><div>{escape(_pair(pair))}</div>{below}</div>')
    return "<div><b>Most confused</b></div>" + _row(blocks)


def _frame(picture: Reader, index: int, sample: findings.WorstSample) -> str:
    wrong = sample.true != sample.predicted
    words = f"{label(sample.true)} taken for {label(sample.predicted)}" if wrong else sample.true
    mark = "✗" if wrong else "✓"
    caption = f"{mark} {label(words, 60)} ({sample.probability:.2f}, loss {sample.loss:.2f})"
    return (
        f'<figure style="{_FIGURE}">{thumbnail(picture, index, f"{words}: {tail(sample.id)}")}'
        f"<figcaption>{escape(caption)}<br/>{escape(tail(sample.id))}</figcaption></figure>"
    )


def _row(frames: Sequence[str]) -> str:
    return f'<div style="display:flex;flex-wrap:wrap;gap:.8em">{"".join(frames)}</div>'


_FIGURE = "margin:0;width:128px;font-size:11px;overflow-wrap:anywhere"
