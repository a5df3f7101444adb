# SPDX-License-Identifier: BSD-3-Clause
"""What the audit looks for: one small function per question, from facts to findings.

Each rule sees rows of (id, class, split, check); none opens a file. A rule for single files is a
line of `KINDS`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lepton_lab.datasets.checking import Check
from lepton_lab.datasets.nearness import groups, pairs
from lepton_lab.datasets.records import Finding, Severity, are, number, plural, quoted
from lepton_lab.datasets.sources.names import FORMATS, suffix
from lepton_lab.runtime.decode import ImageFacts

if TYPE_CHECKING:
    from lepton_lab.datasets.content import Content
    from lepton_lab.datasets.dataset import Dataset

NEAR_AT_MOST = 50_000
FEW = 5
IMBALANCE = 10
ASPECT = 8
SLIVER = 2
_PALETTE = ("P", "PA")
_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")


class Row(NamedTuple):
    """One readable sample."""

    id: str
    label: str
    split: str
    check: Check

    @property
    def facts(self) -> ImageFacts:
        """The header's facts; a readable image always has them."""
        assert self.check.facts is not None
        return self.check.facts


class Kind(NamedTuple):
    """A question about one file."""

    code: str
    severity: Severity
    holds: Callable[[Row], bool]
    says: str
    done: str


def _extension_lies(row: Row) -> bool:
    claimed = FORMATS.get(
        suffix(row.id.rsplit("#", 1)[0] if suffix(row.id) not in FORMATS else row.id)
    )
    found = {"MPO": "JPEG"}.get(row.facts.format, row.facts.format)
    return bool(found) and bool(claimed) and claimed != found


def _sliver(row: Row) -> bool:
    return min(row.facts.width, row.facts.height) <= SLIVER


def _grey(row: Row) -> bool:
    return row.facts.mode in ("1", "L", "LA") and row.facts.bits <= 8


# code, severity, question, how the message goes on, what is done about it
_QUESTIONS: tuple[tuple[str, Severity, Callable[[Row], bool], str, str], ...] = (
    (
        "wrong-extension",
        "info",
        _extension_lies,
        "of another format than the name says",
        "Read by content.",
    ),
    ("cmyk", "info", lambda r: r.facts.mode == "CMYK", "in printing colors", "Converted to RGB."),
    (
        "sixteen-bit",
        "info",
        lambda r: r.facts.bits == 16,
        "of 16 bits",
        "Scaled to 8, not clipped.",
    ),
    ("palette", "info", lambda r: r.facts.mode in _PALETTE, "with a palette", "Converted to RGB."),
    ("alpha", "info", lambda r: r.facts.mode in _ALPHA, "with transparency", "Laid over white."),
    ("grey", "info", _grey, "grey", "Given three equal channels."),
    ("animated", "info", lambda r: r.facts.frames > 1, "animated", "The first frame is used."),
    ("rotated", "info", lambda r: r.facts.orientation != 1, "stored turned", "Shown upright."),
    (
        "sliver",
        "warning",
        _sliver,
        "2 pixels wide or high, or less",
        "Kept; nothing is seen in them.",
    ),
    (
        "extreme-aspect",
        "warning",
        lambda r: _aspect(r.facts) > ASPECT,
        "more than 8 times as long as wide",
        "Kept; a center crop shows a small part.",
    ),
)
KINDS = tuple(Kind(*question) for question in _QUESTIONS)


def kinds(rows: Sequence[Row]) -> Iterator[Finding]:
    """Files of an unusual kind, one finding per kind."""
    for kind in KINDS:
        hit = [row for row in rows if kind.holds(row)]
        if hit:
            what = f"{plural(len(hit), 'image')} {are(len(hit))} {kind.says}."
            details = tuple(_detail(kind.code, row.facts) for row in hit)
            ids = tuple(row.id for row in hit)
            yield Finding(
                kind.code,
                kind.severity,
                len(hit),
                what,
                kind.done,
                ids,
                details if any(details) else (),
            )


def copies(rows: Sequence[Row], content: Content) -> Iterator[Finding]:
    """Same bytes: under one label, under two (a conflict), on two sides (a leak)."""
    noun, nouns = content.noun, content.nouns
    by_digest: dict[bytes, list[Row]] = defaultdict(list)
    for row in rows:
        if row.check.digest:
            by_digest[row.check.digest].append(row)
    twins = [group for group in by_digest.values() if len(group) > 1]
    same = [(g[0], row) for g in twins for row in g[1:] if row.label == g[0].label]
    conflicts = [(a, b) for g in twins for a, b in _across(g, lambda row: row.label)]
    leaks = [(a, b) for g in twins for a, b in _across(g, lambda row: row.split)]
    pairs_are = f"pair of identical {nouns} is", f"pairs of identical {nouns} are"
    if same:
        what = plural(len(same), f"{noun} is an exact copy", f"{nouns} are exact copies")
        what += " of another one in the same class."
        done = "Kept, on the same side of the split." if not leaks else "Kept."
        yield _pairs("duplicates", "info", same, what, done)
    if conflicts:
        what = plural(len(conflicts), *pairs_are) + " in two classes."
        done = "Kept; at least one label of each pair is wrong. Delete it."
        if content.name == "row":
            done = "Kept; the columns do not tell these rows apart."
        yield _pairs("label-conflicts", "warning", conflicts, what, done)
    if leaks:
        what = plural(len(leaks), *pairs_are) + " on two sides of the split."
        done = "Kept, as dedupe=False asks; held-out figures look better than they are."
        yield _pairs("leakage", "error", leaks, what, done)


def near_copies(rows: Sequence[Row]) -> Iterator[Finding]:
    """Pictures that look alike although their bytes differ, and how many cross the split."""
    if len(rows) > NEAR_AT_MOST:
        return
    found = [
        (rows[i], rows[j])
        for i, j in pairs([row.check.dhash for row in rows])
        if rows[i].check.digest != rows[j].check.digest
    ]
    if not found:
        return
    crossing = [pair for pair in found if pair[0].split != pair[1].split]
    place = {row.id: i for i, row in enumerate(rows)}
    clusters = len(groups([(place[a.id], place[b.id]) for a, b in found]))
    what = plural(len(found), "pair of images looks", "pairs of images look")
    what += f" nearly the same ({plural(clusters, 'group')})."
    touch = (
        f"{number(len(crossing))} of them {are(len(crossing))} on two sides of the split"
        if crossing
        else "None crosses the split"
    )
    listed = crossing + [pair for pair in found if pair[0].split == pair[1].split]
    yield _pairs(
        "near-duplicates",
        "warning" if crossing else "info",
        listed,
        what,
        f"{touch}; kept, please look at them.",
    )


def balance(dataset: Dataset, content: Content) -> Iterator[Finding]:
    """Classes that are very small, or very unequal."""
    counts = {split.name: split.counts() for split in dataset.splits()}
    if not dataset.classes or not sum(counts.values()).sum():  # type: ignore[union-attr]
        return
    total = dict(zip(dataset.classes, sum(counts.values()).tolist(), strict=True))  # type: ignore[union-attr]
    train = dict(zip(dataset.classes, counts["train"].tolist(), strict=True))
    small = sorted(name for name, count in total.items() if 1 < count < FEW)
    if small:
        what = plural(len(small), "class has", "classes have")
        what += f" fewer than {FEW} {content.nouns}: {quoted(small)}."
        details = tuple(plural(total[name], content.noun, content.nouns) for name in small)
        yield Finding(
            "tiny-class",
            "warning",
            len(small),
            what,
            "Kept; their figures will say little.",
            tuple(small),
            details,
        )
    present = {name: count for name, count in train.items() if count}
    if present and max(present.values()) > IMBALANCE * min(present.values()):
        most, least = max(present, key=present.__getitem__), min(present, key=present.__getitem__)
        many, few = present[most], present[least]
        what = f'The classes are unequal: "{most}" has {number(many)} training {content.nouns}, '
        what += f'"{least}" has {number(few)}.'
        yield Finding(
            "imbalance",
            "warning",
            round(many / few),
            what,
            "Kept; read the macro averages, not accuracy alone.",
            (most, least),
        )


def _across(group: Iterable[Row], side: Callable[[Row], str]) -> list[tuple[Row, Row]]:
    """The first row of a group with each row on another side."""
    first, *rest = group
    return [(first, row) for row in rest if side(row) != side(first)]


def _pairs(
    code: str, severity: Severity, found: Sequence[tuple[Row, Row]], what: str, done: str
) -> Finding:
    ids = tuple(dict.fromkeys(row.id for pair in found for row in pair))
    return Finding(
        code, severity, len(found), what, done, ids, pairs=tuple((a.id, b.id) for a, b in found)
    )


def _aspect(facts: ImageFacts) -> float:
    return max(facts.width, facts.height) / max(min(facts.width, facts.height), 1)


def _detail(code: str, facts: ImageFacts) -> str:
    size = f"{facts.width} × {facts.height}"
    said = {
        "wrong-extension": facts.format,
        "animated": plural(facts.frames, "frame"),
        "rotated": f"orientation {facts.orientation}",
    }
    return said.get(code, size if code in ("sliver", "extreme-aspect") else "")
