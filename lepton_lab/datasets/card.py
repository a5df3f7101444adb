# SPDX-License-Identifier: BSD-3-Clause
"""How a data set shows itself: sizes, classes as bars, problems and their cure, samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lepton_lab.datasets.audit import findings_table
from lepton_lab.datasets.contents import contents
from lepton_lab.datasets.gallery import gallery
from lepton_lab.datasets.records import number, plural
from lepton_lab.datasets.unreadable import summary
from lepton_lab.rendering import Card, Markup, escape, visible

if TYPE_CHECKING:
    from lepton_lab.datasets.dataset import Dataset

TEXT_CLASSES = 4
HTML_CLASSES = 30
GRID = 12
BAR = 120


def card(dataset: Dataset) -> Card:
    """The data card: at most twelve lines of text; in HTML also a table of problems and samples."""
    splits = dataset.splits()
    total = sum(len(split) for split in splits)
    content = contents.get(dataset.content)
    facts = {"splits": ", ".join(f"{split.name} {number(len(split))}" for split in splits)}
    if dataset.columns:
        said = ", ".join(f"{role}={column}" for role, column in dataset.columns.items())
        facts["task"] = f"{dataset.task}: {said}"
    facts |= content.facts(dataset)
    filed = dataset.content in ("image", "sound")
    nouns = ("file", "files") if filed else (content.noun, content.nouns)
    unread = summary(dataset.problems, len(dataset.checks), nouns)
    if unread:
        facts["left out"] = unread
    bars = [Bars(dataset.classes, _counts(dataset))] if dataset.classes else []
    classes = [plural(len(dataset.classes), "class", "classes")] if dataset.classes else []
    title = ", ".join([f'"{dataset.name}": {plural(total, content.noun, content.nouns)}', *classes])
    return Card(title, facts, [*bars, _problems(dataset), _Grid(dataset)])


@dataclass(frozen=True)
class Bars:
    """Samples per class: `counts` has one row per class and one column per split."""

    classes: tuple[str, ...]
    counts: np.ndarray

    def text(self) -> str:
        """The largest classes, then how many more there are."""
        totals = self.counts.sum(axis=1)
        ranked = np.argsort(-totals, kind="stable")
        shown = ranked if len(ranked) <= TEXT_CLASSES + 1 else ranked[:TEXT_CLASSES]
        names = [_cut(self.classes[i], 20) for i in shown]
        width = max(len(name) for name in names)
        largest = max(int(totals.max()), 1)
        lines = [
            f"{name:<{width}}  {'█' * max(1, round(20 * totals[i] / largest))} {totals[i]}"
            for name, i in zip(names, shown, strict=True)
        ]
        rest = len(ranked) - len(shown)
        if rest:
            lines.append(f"… {rest} more, the smallest with {number(int(totals.min()))}")
        return "\n".join(lines)

    def html(self) -> str:
        """A row per class with a bar; everything escaped."""
        totals = self.counts.sum(axis=1)
        largest = max(int(totals.max()), 1)
        rows = "".join(self._row(i, largest) for i in range(min(len(self.classes), HTML_CLASSES)))
        rest = len(self.classes) - HTML_CLASSES
        more = f'<tr><td colspan="3">… {rest} more classes</td></tr>' if rest > 0 else ""
        style = "border-collapse:collapse;margin:.3em 0"
        return f'<table style="{style}"><tbody>{rows}{more}</tbody></table>'

    def _row(self, index: int, largest: int) -> str:
        total = int(self.counts[index].sum())
        train = int(self.counts[index, 0])
        whole, part = BAR * total / largest, BAR * train / largest
        said = f"{number(total)}: {number(train)} in train, {number(total - train)} held out"
        bar = (
            f'<svg role="img" width="{BAR}" height="12" aria-label="{said}"><title>{said}</title>'
            f'<rect width="{whole:.1f}" height="12" fill="var(--jp-layout-color3,#bdbdbd)"/>'
            f'<rect width="{part:.1f}" height="12" fill="var(--jp-brand-color1,#1976d2)"/></svg>'
        )
        cell = "padding:0 .6em 0 0;text-align"
        return (
            f'<tr><td style="{cell}:left">{escape(self.classes[index])}</td><td>{bar}</td>'
            f'<td style="{cell}:right">{number(total)}</td></tr>'
        )


@dataclass(frozen=True)
class _Grid:
    """The sample grid; text has no room for it."""

    dataset: Dataset

    def text(self) -> str:
        return f"next: ds.audit(), ds.show({GRID})"

    def html(self) -> str:
        shown = gallery(self.dataset.train, GRID, seed=self.dataset.spec.seed)
        return shown.html()


def _problems(dataset: Dataset) -> Markup:
    """Text: a line; HTML: a table."""
    found = dataset.problems
    if not found:
        return Markup(
            "<div>No problems were found while loading.</div>", "no problems while loading"
        )
    lines = [_cut(f"{finding.mark} {finding}", 150) for finding in found[:2]]
    if len(found) > 2:
        lines.append(f"… {len(found) - 2} more in ds.problems")
    return Markup(findings_table(found).html(), "\n".join(lines))


def _counts(dataset: Dataset) -> np.ndarray:
    counts = np.stack([split.counts() for split in dataset.splits()], axis=1)
    return counts if counts.shape[1] > 1 else np.pad(counts, ((0, 0), (0, 1)))


def _cut(text: str, most: int) -> str:
    text = visible(text)
    return text if len(text) <= most else text[: most - 1] + "…"
