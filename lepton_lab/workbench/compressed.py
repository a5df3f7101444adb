# SPDX-License-Identifier: BSD-3-Clause
"""What a compression found: every candidate with its price, and the one that was chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.rendering import Table, bundle, escape, size, visible

if TYPE_CHECKING:
    from lepton_lab.compression.measure import Measured
    from lepton_lab.exporting import Artifact
    from lepton_lab.metrics import PairedDifference
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.model import LeptonModel


@dataclass
class Candidate:
    """One smaller form of a model.

    Attributes:
        name: What was done ("int8", "prune 0.5 + int8"); "original" for the model itself.
        verdict: In words.
        fits: Whether the drop of the metric is within the bound by its interval.
        measured: What was measured; None where it could not be made.
        run: The run that trained it, for a pruned or distilled one.
        path: Its ONNX file while the candidates are compared.
    """

    name: str
    verdict: str = ""
    fits: bool = False
    measured: Measured | None = None
    run: Run | None = None
    path: Path | None = field(default=None, repr=False)
    model: LeptonModel | None = field(default=None, repr=False)
    method: str = field(default="", repr=False)

    @property
    def size(self) -> int:
        """Bytes of the ONNX file; 0 where there is none."""
        return self.measured.size if self.measured else 0

    @property
    def agreement(self) -> float:
        """Share of samples with the original's answer; NaN where nothing was measured."""
        return self.measured.agreement if self.measured else math.nan

    @property
    def ratio(self) -> float:
        """Time of one sample divided by the original's; NaN where nothing was measured."""
        return self.measured.ratio if self.measured else math.nan

    @property
    def difference(self) -> PairedDifference | None:
        """Of the metric, to the original, over the same samples."""
        return self.measured.difference if self.measured else None


@dataclass(frozen=True)
class Compression:
    """The candidates of a compression; make it with `lab.compress`.

    Attributes:
        name: Of the original.
        candidates: The original first, then the others in the order in which they were made.
        chosen: The smallest one that fits; None when the original stays.
        run: The run that the chosen one is; None when the original stays.
        artifact: Its artifact.
        max_drop: The bound on the drop of the metric.
        split: What was measured on ("test of digits").
        notes: What a reader has to know.
    """

    name: str
    candidates: tuple[Candidate, ...]
    chosen: Candidate | None
    run: Run | None
    artifact: Artifact | None
    max_drop: float
    split: str
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Candidate:
        """A candidate by its name."""
        return next(one for one in self.candidates if one.name == name)

    @property
    def verdict(self) -> str:
        """The result in a sentence."""
        if self.chosen is None or self.run is None:
            return f"The original stays: no smaller one is shown to drop by at most {self.max_drop:g}."
        share = self.chosen.size / self.candidates[0].size
        return f"{self.chosen.name} is chosen, {share:.2f} x the size: run '{self.run.name}'."

    def table(self) -> Table:
        """One row per candidate."""
        first = self.candidates[0].measured
        metric = first.score.name.replace("_", " ") if first else "metric"
        n = first.score.n if first else 0
        columns = ("", "size", "ms p50 / p95", "time", metric, "difference", "agreement", "verdict")
        rows = [_row(one) for one in self.candidates]
        best = {i for i, one in enumerate(self.candidates) if one is self.chosen}
        title = f"{self.name} on {self.split}: n = {n}, 95 % intervals, at most {self.max_drop:g} worse"
        return Table(columns, rows, title, best=frozenset(best))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        table, steps = self.table(), self._next()
        notes = "".join(f"<div>{escape(note)}</div>" for note in self.notes)
        lines = [table.text(10 - len(self.notes)), *map(visible, self.notes), self.verdict, steps]
        html = f"<div><b>{escape(self.verdict)}</b></div>{table.html()}{notes}<div>{escape(steps)}</div>"
        return bundle("\n".join(lines), html)

    def __repr__(self) -> str:
        return f"Compression({self.name!r}, {self.verdict})"

    def _next(self) -> str:
        if self.run is not None:
            return f"next: lab.run({self.run.name!r}).evaluate(), .artifact.verify()"
        return f"next: lab.compress({self.name!r}, max_drop={2 * self.max_drop:g})"


def _row(one: Candidate) -> tuple[Any, ...]:
    found = one.measured
    if found is None:
        return (one.name, *("–",) * 6, one.verdict)
    score, change = found.score, found.difference
    p50, p95 = found.milliseconds
    original = one.name == "original"
    return (
        one.name,
        size(found.size),
        f"{p50:.2f} / {p95:.2f}",
        "–" if original else f"{found.ratio:.2f} x",
        f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]",
        "–" if change is None or original else f"{change.difference:+.3f} [{change.low:+.3f}, {change.high:+.3f}]",
        f"{found.agreement:.3f}",
        one.verdict,
    )
