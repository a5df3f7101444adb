# SPDX-License-Identifier: BSD-3-Clause
"""The honest look at a data set: what is in it, what may hurt, and what is done about each.

report = ds.audit()
report.codes, report["near-duplicates"].pairs, report["truncated"].ids
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lepton_lab.datasets import detect
from lepton_lab.datasets.checking import Check, check_all
from lepton_lab.datasets.contents import contents
from lepton_lab.datasets.records import SEVERITIES, Finding, plural
from lepton_lab.errors import NotFoundError, did_you_mean
from lepton_lab.rendering import TEXT_LINES, Table, bundle, visible

if TYPE_CHECKING:
    from lepton_lab.datasets.dataset import Dataset


@dataclass(frozen=True)
class Audit(Sequence[Finding]):
    """Findings, the gravest first.

    Attributes:
        name: Of the data set.
        samples: How many samples were looked at.
        findings: What was found.
        noun: What a sample is called.
    """

    name: str
    samples: int
    findings: tuple[Finding, ...]
    noun: str = "image"

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of all findings, the gravest first."""
        return tuple(dict.fromkeys(f.code for f in self.findings))

    def __getitem__(self, key: Any) -> Any:
        """A finding by its code or place. Raises NotFoundError for a code that was not found."""
        if not isinstance(key, str):
            return self.findings[key]
        for finding in self.findings:
            if finding.code == key:
                return finding
        raise NotFoundError(
            f"The audit found nothing called '{key}'.",
            did_you_mean(key, self.codes) or f"It found: {', '.join(self.codes) or 'no problems'}.",
            "ds.audit().codes",
        )

    def __contains__(self, key: object) -> bool:
        return key in self.codes or key in self.findings

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def text(self) -> str:
        """At most twelve lines."""
        room = TEXT_LINES - 1
        shown = self.findings if len(self.findings) <= room else self.findings[: room - 1]
        lines = [self._title()]
        lines += [_cut(f"{f.mark} {f.code}: {f}", 160) for f in shown]
        if len(shown) < len(self.findings):
            rest = ", ".join(f.code for f in self.findings[len(shown) :])
            lines.append(_cut(f"… {len(self.findings) - len(shown)} more: {rest}", 160))
        return "\n".join(lines)

    def html(self) -> str:
        """A table of everything, escaped."""
        return findings_table(self.findings, self._title()).html()

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.text(), self.html())

    def _title(self) -> str:
        found = plural(len(self.findings), "finding") if self.findings else "no findings"
        return visible(f'Audit of "{self.name}": {plural(self.samples, self.noun)}, {found}')


def findings_table(findings: Sequence[Finding], title: str = "") -> Table:
    """Findings as rows: what, what is done, examples, and the code to ask for them by."""
    rows = [(f"{f.mark} {f.what}", f.done, f.examples(), f.code) for f in findings]
    note = "✗ samples were lost   ! results may suffer   · handled"
    return Table(["found", "done about it", "examples", "code"], rows, title, note if rows else "")


def audit(dataset: Dataset) -> Audit:
    """Look at every readable sample of a data set; nothing on disk is changed."""
    content = contents.get(dataset.content)
    findings = list(dataset.problems)
    for rule in content.rules:
        findings += rule(dataset)
    findings += detect.copies(_rows(dataset), content)
    findings += detect.balance(dataset, content)
    ranked = sorted(findings, key=lambda f: SEVERITIES.index(f.severity))
    return Audit(dataset.name, len(dataset.checks), tuple(ranked), content.noun)


def picture_findings(dataset: Dataset) -> list[Finding]:
    """Pictures of an unusual kind and near copies; every one is decoded, where loading only looked at the header."""
    rows = _rows(dataset)
    if not all(row.check.decoded for row in rows):
        samples = [sample for split in dataset.splits() for sample in split]
        checks = check_all([sample.payload for sample in samples], decode=True)
        found = {sample.id: check for sample, check in zip(samples, checks, strict=True)}
        rows = [row._replace(check=_with_facts(found[row.id], row.check)) for row in rows]
    seen = [row for row in rows if row.check.facts is not None]
    return [*detect.kinds(seen), *detect.near_copies(seen)]


def _with_facts(check: Check, known: Check) -> Check:
    return check if check.facts is not None else replace(check, facts=known.facts)


def _rows(dataset: Dataset) -> list[detect.Row]:
    """Every sample with its check, in the order of the ids."""
    rows = []
    for split in dataset.splits():
        for sample in split:
            words = "" if sample.label is None else split.labels.words(sample.label, split.classes)
            rows.append(detect.Row(sample.id, words, split.name, dataset.checks[sample.id]))
    return sorted(rows, key=lambda row: row.id)


def _cut(text: str, most: int) -> str:
    text = visible(text)
    return text if len(text) <= most else text[: most - 1] + "…"
