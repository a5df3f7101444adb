# SPDX-License-Identifier: BSD-3-Clause
"""From what a source found to a data set that can be trained on, or to three lines on why not.

In order: classes to leave out, samples without a label, unreadable images, the vocabulary,
copies, the split. Every step that loses or moves something adds a finding; nothing on the user's
disk is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lepton_lab.datasets import splitting, vocabulary
from lepton_lab.datasets.checking import Check, check_all
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
        checks: What is known of each image, by id; unreadable ones included.
    """

    samples: dict[str, list[Sample]]
    classes: tuple[str, ...]
    problems: list[Finding]
    checks: dict[str, Check]


def assemble(source: Any, reading: Reading, spec: DataSpec) -> Assembled:
    """Clean, check, split. Raises DataError when nothing trainable is left."""
    problems = list(reading.findings)
    records = sorted(reading.records, key=lambda record: record.id)
    records = _without_excluded(records, spec)
    records = _labeled(records, problems)
    before = {record.label for record in records}
    checks = dict(
        zip((r.id for r in records), check_all([r.payload for r in records]), strict=True)
    )
    records = leave_out(source, records, checks, spec.clean, problems)
    records = _split(records, checks, spec, problems)
    classes = _classes(source, reading, records, spec)
    problems += vocabulary.tell(before, records, classes)
    index = {name: i for i, name in enumerate(classes)}
    samples = {
        s: [Sample(r.id, r.payload, index[str(r.label)]) for r in records if r.split == s]
        for s in SPLITS
    }
    problems.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Assembled(samples, classes, problems, checks)


def _without_excluded(records: list[Record], spec: DataSpec) -> list[Record]:
    labels = {r.label for r in records if r.label is not None}
    unknown = [name for name in spec.exclude if name not in labels]
    if unknown:
        raise no_such(
            f'There is no class "{unknown[0]}" to leave out.',
            did_you_mean(unknown[0], sorted(labels)) or f"There are: {quoted(sorted(labels))}.",
            call(
                spec.path,
                exclude=",".join(name for name in spec.exclude if name in labels)
                or min(labels, default=""),
            ),
        )
    return [r for r in records if r.label not in spec.exclude]


def _labeled(records: list[Record], problems: list[Finding]) -> list[Record]:
    missing = [r.id for r in records if r.label is None]
    if missing:
        what = f"{plural(len(missing), 'sample has', 'samples have')} no label."
        problems.append(
            Finding("unlabeled", "warning", len(missing), what, "Left out.", tuple(missing))
        )
    return [r for r in records if r.label is not None]


def _split(
    records: list[Record], checks: dict[str, Check], spec: DataSpec, problems: list[Finding]
) -> list[Record]:
    """Keep the splits that exist, cut the ones that are missing from train."""
    given = {r.split for r in records if r.split} - {"train"}
    records = [replace(r, split=r.split or "train") for r in records] if given else records
    if given and spec.dedupe:
        records = _move_copies(records, checks, problems)
    if "val" in given:
        return records
    pool = [r for r in records if r.split in (None, "train")]
    groups = [checks[r.id].digest for r in pool] if spec.dedupe else None
    test = 0.0 if given else spec.test
    if spec.val + test > 0.95:
        raise no_such(
            f"val={spec.val:g} and test={test:g} leave too little to train on.",
            "Together they may hold out 95 % at most.",
            call(spec.path, val=0.15, test=0.15),
        )
    sides = splitting.assign(
        [r.id for r in pool],
        [str(r.label) for r in pool],
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
    source: Any, reading: Reading, records: Sequence[Record], spec: DataSpec
) -> tuple[str, ...]:
    train = [r for r in records if r.split == "train"]
    classes = vocabulary.classes_of((str(r.label) for r in train), reading.classes)
    if len(classes) < 2:
        raise _one_class(source, classes, len(records), spec)
    vocabulary.check_known((r for r in records if r.split != "train"), classes)
    return classes


def _one_class(source: Any, classes: tuple[str, ...], count: int, spec: DataSpec) -> Exception:
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
        f'Only one class was found{where}: "{classes[0]}" ({plural(count, "image")}).', why, todo
    )


def spec_root(source: Any) -> Any:
    """The folder behind a source, or None."""
    from pathlib import Path

    from lepton_lab.datasets.sources import folder

    return Path(source).expanduser() if folder.recognizes(source) else None
