# SPDX-License-Identifier: BSD-3-Clause
"""From what a source found to a data set that can be trained on, or to three lines on why not.

In order: classes to leave out, samples without a label, unreadable images, the vocabulary,
copies, the split. Every step that loses or moves something adds a finding; nothing on the user's
disk is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lepton_lab.datasets import splitting, vocabulary
from lepton_lab.datasets.checking import Check
from lepton_lab.datasets.content import Content
from lepton_lab.datasets.contents import contents
from lepton_lab.datasets.label import Labels
from lepton_lab.datasets.labels import labelings
from lepton_lab.datasets.records import (
    SEVERITIES,
    SPLITS,
    Finding,
    Reading,
    Record,
    Sample,
    call,
    no_such,
    plural,
    quoted,
)
from lepton_lab.datasets.sources.folder import only_class_hint
from lepton_lab.datasets.unreadable import leave_out
from lepton_lab.errors import did_you_mean
from lepton_lab.spec import DataSpec


@dataclass(frozen=True)
class Assembled:
    """The parts of a data set.

    Attributes:
        samples: Split name -> its samples, ordered by id.
        classes: The vocabulary.
        problems: What was found on the way.
        checks: What is known of each sample, by id; unreadable ones included.
        groups: Id -> group, for samples that must stay on one side.
    """

    samples: dict[str, list[Sample]]
    classes: tuple[str, ...]
    problems: list[Finding]
    checks: dict[str, Check]
    groups: dict[str, str] = field(default_factory=dict)


def assemble(source: Any, reading: Reading, spec: DataSpec) -> Assembled:
    """Clean, check, split. Raises DataError when nothing trainable is left."""
    content, labels = contents.get(reading.content), labelings.get(reading.labels)
    problems = list(reading.findings)
    records = sorted(reading.records, key=lambda record: record.id)
    records = _without_excluded(records, labels, spec, reading.classes or ())
    records = _labeled(records, problems)
    before = {name for record in records for name in labels.names(record.label)}
    checks = dict(
        zip((r.id for r in records), content.check([r.payload for r in records]), strict=True)
    )
    nouns = content.noun, content.nouns
    records = leave_out(source, records, checks, spec.clean, problems, nouns)
    records = _split(records, checks, labels, spec, problems)
    classes = _classes(source, reading, records, content, labels, spec)
    problems += vocabulary.tell(before, records, classes, labels, nouns)
    index = {name: i for i, name in enumerate(classes)}
    samples = {
        s: [Sample(r.id, r.payload, labels.encode(r.label, index)) for r in records if r.split == s]
        for s in SPLITS
    }
    problems.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    groups = {r.id: r.group for r in records if r.group}
    return Assembled(samples, classes, problems, checks, groups)


def _without_excluded(
    records: list[Record], labels: Labels, spec: DataSpec, known: Sequence[str]
) -> list[Record]:
    """The records that bear none of the classes to leave out; a source may have left some out itself."""
    if not spec.exclude:
        return records
    names = {name for r in records if r.label is not None for name in labels.names(r.label)}
    unknown = [name for name in spec.exclude if name not in names and name not in known]
    if unknown:
        raise no_such(
            f'There is no class "{unknown[0]}" to leave out.',
            did_you_mean(unknown[0], sorted(names)) or f"There are: {quoted(sorted(names))}.",
            call(
                spec.path,
                exclude=",".join(name for name in spec.exclude if name in names)
                or min(names, default=""),
            ),
        )
    left = set(spec.exclude)
    return [r for r in records if r.label is None or not left & set(labels.names(r.label))]


def _labeled(records: list[Record], problems: list[Finding]) -> list[Record]:
    missing = [r.id for r in records if r.label is None]
    if missing:
        what = f"{plural(len(missing), 'sample has', 'samples have')} no label."
        problems.append(
            Finding("unlabeled", "warning", len(missing), what, "Left out.", tuple(missing))
        )
    return [r for r in records if r.label is not None]


def _split(
    records: list[Record],
    checks: dict[str, Check],
    labels: Labels,
    spec: DataSpec,
    problems: list[Finding],
) -> list[Record]:
    """Keep the splits that exist, cut the ones that are missing from train."""
    given = {r.split for r in records if r.split} - {"train"}
    records = [replace(r, split=r.split or "train") for r in records] if given else records
    if given and spec.dedupe:
        records = _move_copies(records, checks, problems)
    if "val" in given:
        return records
    pool = [r for r in records if r.split in (None, "train")]
    groups = [r.group or (checks[r.id].digest if spec.dedupe else "") for r in pool]
    test = 0.0 if given else spec.test
    if spec.val + test > 0.95:
        raise no_such(
            f"val={spec.val:g} and test={test:g} leave too little to train on.",
            "Together they may hold out 95 % at most.",
            call(spec.path, val=0.15, test=0.15),
        )
    sides = splitting.assign(
        [r.id for r in pool],
        [labels.stratum(r.label) for r in pool],
        val=spec.val,
        test=test,
        seed=spec.seed,
        groups=groups,
    )
    chosen = {r.id: side for r, side in zip(pool, sides, strict=True)}
    if given and spec.val:
        cut = sum(side == "val" for side in sides)
        what = f"There is no val split; {plural(cut, 'sample')} of train became one."
        problems.append(
            Finding(
                "val-cut",
                "info",
                sum(s == "val" for s in sides),
                what,
                f"Stratified, with seed {spec.seed}.",
            )
        )
    return [replace(r, split=chosen.get(r.id, r.split)) for r in records]


def _move_copies(
    records: list[Record], checks: dict[str, Check], problems: list[Finding]
) -> list[Record]:
    ids = [r.id for r in records]
    old = [str(r.split) for r in records]
    new = splitting.keep_copies_together(ids, old, [checks[name].digest for name in ids])
    moved = [name for name, a, b in zip(ids, old, new, strict=True) if a != b]
    if moved:
        to = " and ".join(
            side for side in SPLITS if side in {b for a, b in zip(old, new, strict=True) if a != b}
        )
        what = plural(len(moved), "held-out image is a copy", "held-out images are copies")
        what += " of one on an earlier side."
        problems.append(
            Finding(
                "moved-copies",
                "warning",
                len(moved),
                what,
                f"Moved to {to}; dedupe=False keeps them.",
                tuple(moved),
            )
        )
    return [replace(r, split=side) for r, side in zip(records, new, strict=True)]


def _classes(
    source: Any,
    reading: Reading,
    records: Sequence[Record],
    content: Content,
    labels: Labels,
    spec: DataSpec,
) -> tuple[str, ...]:
    train = [r for r in records if r.split == "train"]
    names = (name for r in train for name in labels.names(r.label))
    classes = vocabulary.classes_of(names, reading.classes)
    if not train or len(classes) < labels.fewest:
        raise _too_few(source, classes, plural(len(records), content.noun, content.nouns), spec)
    vocabulary.check_known((r for r in records if r.split != "train"), classes, labels)
    return classes


def _too_few(source: Any, classes: tuple[str, ...], count: str, spec: DataSpec) -> Exception:
    where = f' in "{spec.path}"' if spec.path else ""
    todo = "Add a second class (a folder or a label of its own), then run again."
    if not classes:
        return no_such(
            f"There is nothing to train on{where}.",
            "No readable, labeled sample is in train.",
            todo,
        )
    why = "Classification needs at least two classes."
    inner = only_class_hint(spec_root(source), classes[0]) if spec_root(source) else None
    if inner:
        why, todo = "Its sub-folders look like the classes.", call(inner)
    elif spec.exclude:
        todo = call(spec.path) + "  # without exclude"
    return no_such(
        f'Only one class was found{where}: "{classes[0]}" ({count}).', why, todo
    )


def spec_root(source: Any) -> Any:
    """The folder behind a source, or None."""
    from pathlib import Path

    from lepton_lab.datasets.sources import folder

    return Path(source).expanduser() if folder.recognizes(source) else None
