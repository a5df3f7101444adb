# SPDX-License-Identifier: BSD-3-Clause
"""Two or more runs side by side: what differs, how they went, and which is better on the same samples.

Numbers of two runs differ by luck as well; so the models are run on the same held-out samples and the
difference is told with its interval (`metrics.paired`). That makes sense only for runs of the very same
data: others are shown side by side, and the message says why no winner is named.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import DataError, LeptonError
from lepton_lab.journal.folder import LIVE
from lepton_lab.rendering import TEXT_LINES, Table, bundle, duration, escape, visible

if TYPE_CHECKING:
    from lepton_lab.metrics import PairedDifference
    from lepton_lab.workbench.handle import Run

_TOLD_ELSEWHERE = ("reasons", "time", "name", "steps", "steps_per_epoch", "path")
_LETTERS = string.ascii_lowercase


@dataclass(frozen=True)
class Comparison:
    """Runs side by side; make it with `lab.compare`.

    Attributes:
        runs: The runs, called a, b, c … in every table.
        differences: Setting -> its effective value in each run; only what is not the same in all.
        paired: How much better each further run is than the first, on the same samples. Empty when refused.
        split: The samples that were used ("test of digits").
        refusal: Why no samples were compared; None when they were.
    """

    runs: tuple[Run, ...]
    differences: Mapping[str, tuple[Any, ...]]
    paired: tuple[PairedDifference, ...] = ()
    split: str = ""
    refusal: LeptonError | None = None

    @property
    def verdicts(self) -> list[str]:
        """One sentence for each further run; or the reason why there is none."""
        if self.refusal is not None:
            lines = [line for line in (self.refusal.what, self.refusal.why) if line]
            return ["No winner is named: " + lines[0], *lines[1:]]
        many = len(self.paired) > 1
        return [
            f"{_sentence(found, letter, many)} on {self.split}"
            for found, letter in zip(self.paired, _LETTERS[1:], strict=False)
        ]

    def table(self) -> Table:
        """How each run went, then what differs in its settings."""
        records = [run.record for run in self.runs]
        bests = [record.get("best") or {} for record in records]
        rows: list[tuple[Any, ...]] = [
            ("state", *(record["state"] for record in records)),
            *_headlines(bests),
            ("best epoch", *(best.get("epoch", "–") for best in bests)),
            ("time", *(duration(r["seconds"]) if r.get("seconds") else "–" for r in records)),
        ]
        rows += [(name, *map(_shown, values)) for name, values in self.differences.items()]
        heads = (f"{x}: {run.name}" for x, run in zip(_LETTERS, self.runs, strict=False))
        count = len(self.differences)
        title = (
            f"{len(self.runs)} runs, {count} setting{'s' * (count != 1)} differ{'s' * (count == 1)}"
        )
        return Table(("", *heads), rows, title)

    def curves(self) -> str:
        """The runs' metric by step in one static SVG; empty when none has a value yet."""
        from lepton_lab.charts.panels import Panel, Trace, panels
        from lepton_lab.charts.svg import drawing

        traces, title = [], ""
        for number, run in enumerate(self.runs):
            found = {panel.key: panel for panel in panels(run.chart.snapshot())}.get("metric")
            if found is not None:
                own = next((t for t in found.traces if t.name == "val"), found.traces[-1])
                traces.append(Trace(_LETTERS[number], own.x, own.y, number, own.marked))
                title = f"{own.name} {found.title}"
        if not traces:
            return ""
        return drawing(Panel("metric", title, tuple(traces), compares=True))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        verdicts, table = self.verdicts, self.table()
        text = [*map(visible, verdicts), table.text(TEXT_LINES - len(verdicts))]
        told = "".join(f"<div><b>{escape(line)}</b></div>" for line in verdicts)
        return bundle("\n".join(text), told + table.html() + self.curves())


def compare(a: Any, b: Any, *more: Any) -> Comparison:
    """What differs between runs, and which is better on the same held-out samples.

    Args:
        a: A run or its name; the others are compared with it.
        b: Another.
        *more: Further ones, 26 in all.

    Returns:
        The settings that differ and the paired test. When the runs are not of the same data, or one is
        under way, the settings are there and `refusal` says why nothing was tested.

    Raises:
        NotFoundError: No run has that name.
        LeptonError: There are more than 26.
    """
    from lepton_lab.workbench.given import run_from

    if len(more) > len(_LETTERS) - 2:
        raise LeptonError(
            f"{len(more) + 2} runs are too many to compare.",
            f"{len(_LETTERS)} fit a table.",
            "lab.runs() lists all.",
        )
    chosen = tuple(run_from(value) for value in (a, b, *more))
    differences = _differing([_settings(run.record) for run in chosen])
    try:
        paired, split = _paired(chosen)
    except LeptonError as error:
        return Comparison(chosen, differences, refusal=error)
    return Comparison(chosen, differences, paired, split)


def _paired(runs: Sequence[Run]) -> tuple[tuple[PairedDifference, ...], str]:
    """Each further run against the first, on the held-out samples of the data that all share."""
    from lepton_lab.workbench.judging import evaluate

    summaries = [run.record["data"] for run in runs]
    prints = [summary["fingerprint"] for summary in summaries]
    if len(set(prints)) > 1:
        other = next(i for i, found in enumerate(prints) if found != prints[0])
        raise DataError(
            "the runs are not of the same data.",
            f"a has {summaries[0]['name']} ({prints[0][:12]}), "
            f"{_LETTERS[other]} has {summaries[other]['name']} ({prints[other][:12]}).",
        )
    for run in runs:
        if run.state in LIVE:
            raise LeptonError(f"run '{run.name}' is {run.state}.", "Compare again when it is over.")
    data = runs[0].data
    if data.fingerprint() != prints[0]:
        raise DataError(f"{data.name} is no longer the data that the runs were trained on.")
    reports = [evaluate(run, data) for run in runs]
    caution = " (which also chose the best epochs)" if reports[0].split == "val" else ""
    paired = tuple(reports[0].compare(report) for report in reports[1:])  # type: ignore[arg-type]
    return paired, f"{reports[0].split} of {data.name}{caution}"


def _headlines(bests: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """The metric that chose the best epoch, of each run; one row per metric where the runs differ in it."""
    names = dict.fromkeys(best.get("metric", "accuracy") for best in bests)
    return [
        (f"best val {name.replace('_', ' ')}", *(_number(best.get(name)) for best in bests))
        for name in names
    ]


def _settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting that decides a run, by the value that took effect."""
    spec, data, model = record["spec"], record["data"], record["model"]
    found = {
        "model": model["name"],
        "weights": model["weights"],
        "data": data["name"],
        "data fingerprint": data["fingerprint"][:12],
        "task": spec["task"],
        "began from": (record.get("parent") or {}).get("run"),
        **{f"model.{name}": value for name, value in spec["model"].items() if name != "name"},
        **{f"data.{name}": value for name, value in spec["data"].items()},
        **spec["train"],
        **record["plan"],
        **{f"{name} version": value for name, value in record.get("environment", {}).items()},
    }
    found.pop("model.weights", None)
    return {k: v for k, v in found.items() if k.split(".")[-1] not in _TOLD_ELSEWHERE}


def _differing(settings: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """The settings that are not the same in all."""
    names = dict.fromkeys(name for one in settings for name in one)
    rows = {name: tuple(one.get(name) for one in settings) for name in names}
    return {name: row for name, row in rows.items() if any(value != row[0] for value in row)}


def _sentence(found: PairedDifference, letter: str, many: bool) -> str:
    """The verdict with the letters of the table; the record itself only knows a and b."""
    if not many:
        return str(found)
    text = str(found).replace("b - a", f"{letter} - a", 1)
    text = text.replace("a is better by", f"a is better than {letter} by", 1)
    text = text.replace("b is better by", f"{letter} is better than a by", 1)
    return text if found.better else f"{letter}: {text}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
