# SPDX-License-Identifier: BSD-3-Clause
"""The classes: one list for all splits, taken from train.

Each split with a vocabulary of its own is how labels shift in silence: train {cat, dog, eel}
beside val {dog, eel} makes every dog a cat. Here val and test are read with train's list, and a
class that train does not know stops the loading.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from lepton_lab.datasets.label import Labels
from lepton_lab.datasets.records import Finding, Record, are, no_such, plural, quoted

FEW = 5


def classes_of(labels: Iterable[str], order: Sequence[str] | None = None) -> tuple[str, ...]:
    """The distinct labels: in the order given by the source, else sorted (whole numbers by value).

    >>> classes_of(["10", "9", "9"]), classes_of(["dog", "cat"])
    (('9', '10'), ('cat', 'dog'))
    >>> classes_of(["b", "a"], order=["b", "a", "z"])
    ('b', 'a')
    """
    found = set(labels)
    if order is not None and found <= set(order):
        return tuple(name for name in order if name in found)
    if all(re.fullmatch(r"[0-9]{1,18}", name, re.ASCII) for name in found):
        return tuple(sorted(found, key=lambda name: (int(name), name)))
    return tuple(sorted(found))


def check_known(records: Iterable[Record], classes: Sequence[str], labels: Labels) -> None:
    """Raise DataError when a held-out sample has a class that train has not."""
    known = set(classes)
    unknown = Counter(
        (name, r.split) for r in records for name in labels.names(r.label) if name not in known
    )
    if not unknown:
        return
    names = sorted({str(label) for label, _ in unknown})
    sides = sorted({str(split) for _, split in unknown})
    raise no_such(
        plural(len(names), "class is", "classes are")
        + f" in {' and '.join(sides)} but not in train: {quoted(names)}.",
        f"Train has {plural(len(classes), 'class', 'classes')}: {quoted(classes)}.",
        f"Add such samples to train, or leave them out: exclude={','.join(names)!r}",
    )


def similar(classes: Iterable[str]) -> Finding | None:
    """Classes whose names differ only in case, spaces, hyphens or Unicode form."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        groups[_folded(name)].append(name)
    twins = [sorted(names) for names in groups.values() if len(names) > 1]
    if not twins:
        return None
    said = "; ".join(" and ".join(repr(name) for name in names) for names in twins[:3])
    return Finding(
        "similar-labels",
        "warning",
        len(twins),
        f"{plural(len(twins), 'group')} of classes {are(len(twins))} spelt almost alike: {said}.",
        "They are kept apart; rename one of them if they mean the same.",
        ids=tuple(name for names in twins for name in names),
    )


def tell(
    before: Iterable[str],
    records: Sequence[Record],
    classes: Sequence[str],
    labels: Labels,
    nouns: tuple[str, str],
) -> list[Finding]:
    """Classes that were lost, have one image, are missing on one side, or look like twins.

    Args:
        before: Class names of all records, the unreadable ones too.
        records: The readable records, split.
        classes: The vocabulary.
        labels: What the labels are.
        nouns: What one sample is called, and what several are.
    """
    found = [_lost(sorted(set(before) - set(classes)), nouns), similar(classes)]
    total = Counter(name for r in records for name in set(labels.names(r.label)))
    single = [name for name in classes if total[name] == 1]
    found += [_single(single, nouns), *_missing(records, classes, set(single), labels)]
    return [finding for finding in found if finding is not None]


def _lost(names: list[str], nouns: tuple[str, str]) -> Finding | None:
    if not names:
        return None
    what = plural(len(names), "class has", "classes have")
    what += f" no readable {nouns[0]}: {quoted(names)}."
    return Finding(
        "empty-class", "warning", len(names), what, "Left out of the classes.", tuple(names)
    )


def _single(names: list[str], nouns: tuple[str, str]) -> Finding | None:
    if not names:
        return None
    which = f"Class {quoted(names)} has" if len(names) == 1 else f"The classes {quoted(names)} have"
    return Finding(
        "one-image-class",
        "warning",
        len(names),
        f"{which} 1 {nouns[0]}; it was kept for training and cannot be evaluated.",
        f"Give it at least {FEW} {nouns[1]}, or leave it out: exclude={','.join(names[:5])!r}",
        tuple(names),
    )


def _missing(
    records: Sequence[Record], classes: Sequence[str], single: set[str], labels: Labels
) -> Iterator[Finding]:
    held = {side: [r for r in records if r.split == side] for side in ("val", "test")}
    for side, samples in held.items():
        there = {name for r in samples for name in labels.names(r.label)}
        names = [name for name in classes if name not in there and name not in single]
        if there and names:
            what = plural(len(names), "class has", "classes have")
            what += f" no sample in {side}: {quoted(names)}."
            done = f"Metrics of {side} are n/a there; averages are over the other classes."
            yield Finding("missing-class", "warning", len(names), what, done, tuple(names))
    if not held["val"]:
        what = "There is no val split: too few samples, or val=0."
        done = "The best epoch is chosen on train; add samples or raise val."
        yield Finding("no-val", "warning", 1, what, done)


def _folded(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\s_\-]+", "", text) or text
