# SPDX-License-Identifier: BSD-3-Clause
"""What annotation files of all formats have in common: find the picture, fit the boxes to it, tell what was odd.

Annotations are made by hand and by many programs. Boxes hang over the edge, have no area, are written
twice, belong to a picture that was scaled or turned since. Here each is put right or left out, and
counted; a picture outside the folder is never looked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from lepton_lab.datasets.labels.boxes import Corners, NamedBoxes
from lepton_lab.datasets.records import Finding, Reading, Record, Severity, plural
from lepton_lab.datasets.sources.fitting import Given, is_turned, moved, numbers
from lepton_lab.datasets.sources.names import SPLIT_NAMES, is_image
from lepton_lab.datasets.sources.walk import walk
from lepton_lab.runtime.decode import ImageError, ImageFacts, describe_image

# A box that reaches over the edge by less than a pixel was only rounded.
_ROUNDING = 1.0
_NARROWEST = 0.5
_SAME_SHAPE = 0.01


class Words(NamedTuple):
    """How a kind of note is told: how bad, for one, for many, and what is done about it."""

    severity: Severity
    one: str
    many: str
    done: str


WORDS = {
    "boxes-clipped": Words("warning", "box reaches outside its image", "boxes reach outside their image", "Cut off at the edge."),
    "boxes-empty": Words("warning", "box has no area inside its image", "boxes have no area inside their image", "Left out."),
    "boxes-unreadable": Words("error", "box cannot be read", "boxes cannot be read", "Left out."),
    "boxes-twice": Words("warning", "box is written twice", "boxes are written twice", "Kept once."),
    "boxes-turned": Words("info", "image is stored turned, and its boxes with it", "images are stored turned, and their boxes with them", "Turned upright together."),
    "boxes-scaled": Words("warning", "image has another size than its annotation says", "images have another size than their annotations say", "The boxes were scaled with it."),
    "other-image": Words("error", "image has another shape than its annotation says", "images have another shape than their annotations say", "Left out: the boxes belong to another picture."),
    "unknown-category": Words("error", "box has a class that is not listed", "boxes have a class that is not listed", "Left out."),
    "unknown-image": Words("error", "annotation is of an image that is not listed", "annotations are of images that are not listed", "Left out."),
    "crowd": Words("info", "box stands for a crowd", "boxes stand for a crowd", "Not learned from; what is found inside counts neither way."),
    "no-boxes": Words("info", "image has no box", "images have no box", "Kept: it shows where nothing is."),
    "not-annotated": Words("info", "image has no annotation file", "images have no annotation file", "Kept as an image without objects."),
    "left-unlisted": Words("warning", "image has no annotation", "images have no annotation", "Left out."),
    "annotation-alone": Words("warning", "annotation file has no image", "annotation files have no image", "Left out."),
    "annotation-damaged": Words("error", "annotation file cannot be read", "annotation files cannot be read", "Its image was left out."),
    "listed-twice": Words("warning", "image is listed on two sides of the split", "images are listed on two sides of the split", "The first side keeps it."),
    "unused-category": Words("info", "class has no box", "classes have no box", "Left out of the classes."),
}  # fmt: skip


class Pictures:
    """The pictures below a folder: nothing else can be a sample.

    Attributes:
        root: The folder.
        found: All that was met there.
        names: Names of the pictures, relative to `root`, with `/`.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.found = root, walk(root)
        self.names = [name for name in self.found.files if is_image(root, name)]
        self._all = set(self.names)
        self._by_end: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for name in self.names:
            path = PurePosixPath(name)
            self._by_end[path.name].append(name)
            self._by_stem[path.stem].append(name)

    def called(self, said: str, near: Iterable[str] = ()) -> str:
        """The picture that an annotation calls `said`; "" when there is none, or several that fit equally.

        Args:
            said: A path or a bare name, as written.
            near: Folders to prefer, relative to `root`, the best first.
        """
        said = said.replace("\\", "/").removeprefix("./")
        for folder in near:
            if (name := f"{folder}/{said}".removeprefix("./").lstrip("/")) in self._all:
                return name
        fits = [n for n in self._by_end[PurePosixPath(said).name] if f"/{n}".endswith(f"/{said}")]
        fits = fits or self._by_end[PurePosixPath(said).name]
        return fits[0] if len(fits) == 1 else ""

    def with_stem(self, stem: str, folder: str) -> str:
        """The picture of that name without suffix; of several, the one in `folder`."""
        fits = self._by_stem[stem]
        beside = [name for name in fits if str(PurePosixPath(name).parent) == folder]
        return (beside or fits)[0] if len(beside or fits) == 1 else ""


class Gathering:
    """Records on their way from annotation files, with notes on everything odd."""

    def __init__(self, pictures: Pictures) -> None:
        self.pictures = pictures
        self.records: dict[str, Record] = {}
        self._notes: dict[str, list[tuple[str, str]]] = defaultdict(list)

    def tell_unlisted(self, apart: Iterable[str] = ()) -> None:
        """Note the pictures that no annotation speaks of, further to those that were met but left out."""
        known = {
            *self.records,
            *apart,
            *(name for notes in self._notes.values() for name, _ in notes),
        }
        for name in self.pictures.names:
            if name not in known:
                self.note("left-unlisted", name)

    def note(self, code: str, name: str, detail: str = "") -> None:
        """Remember something odd about `name`; `WORDS` says how it will be told."""
        self._notes[code].append((name, detail))

    def add(
        self,
        name: str,
        boxes: Sequence[Given],
        split: str | None,
        said: tuple[int, int] | None = None,
    ) -> None:
        """One picture with its boxes; of one that was added before, more boxes.

        Args:
            name: Relative to the root; a file that is not there is told later, with the unreadable ones.
            boxes: As given.
            split: The side, where it is known.
            said: Height and width that the annotation was made for; None where it does not say.
        """
        before = self.records.get(name)
        if before is not None and before.split != split:
            self.note("listed-twice", name, f"{before.split} and {split}")
            return
        label = self._fitted(name, boxes, said)
        if label is None:
            return
        if before is not None:
            old: NamedBoxes = before.label
            label = NamedBoxes(old.corners + label.corners, old.names + label.names, old.size, old.crowd + label.crowd)  # fmt: skip
        self.records[name] = Record(name, self.pictures.root / name, label, split)

    def reading(
        self, name: str, order: Sequence[str] | None, extra: Sequence[Finding] = ()
    ) -> Reading:
        """All of it as one reading; `order` is that of the classes where the source fixes one."""
        used = {name for record in self.records.values() for name in record.label.names}
        for record in self.records.values():
            if not record.label.names:
                self.note("no-boxes", record.id)
            for crowd in record.label.crowd:
                if crowd:
                    self.note("crowd", record.id)
        for unused in order or ():
            if unused not in used:
                self.note("unused-category", unused)
        findings = [_finding(code, notes) for code, notes in self._notes.items()]
        return Reading(
            list(self.records.values()),
            name,
            (*self.pictures.found.findings(), *extra, *findings),
            classes=None if order is None else tuple(order),
            labels="boxes",
            task="object-detection",
        )

    def _fitted(
        self, name: str, boxes: Sequence[Given], said: tuple[int, int] | None
    ) -> NamedBoxes | None:
        facts = _facts(self.pictures.root / name)
        size = (facts.height, facts.width) if facts else said or (0, 0)
        kept: dict[tuple[Corners, str], bool] = {}
        if facts and said and said != size and not self._explained(name, facts, said):
            return None
        for box in boxes:
            corners = numbers(box)
            if corners is None:
                self.note("boxes-unreadable", name, f"{box.name}: {str(tuple(box.corners))[:60]}")
                continue
            fitted = self._clipped(name, moved(corners, box, facts, said, size), size)
            if fitted is None:
                continue
            if (fitted, box.name) in kept:
                self.note("boxes-twice", name, box.name)
            kept.setdefault((fitted, box.name), box.crowd)
        return NamedBoxes(
            tuple(corners for corners, _ in kept),
            tuple(n for _, n in kept),
            size,
            tuple(kept.values()),
        )

    def _explained(self, name: str, facts: ImageFacts, said: tuple[int, int]) -> bool:
        """Whether a picture of another size than said was turned or scaled since."""
        height, width = said
        if is_turned(facts, said):
            self.note("boxes-turned", name)
            return True
        if abs(facts.width * height - facts.height * width) <= _SAME_SHAPE * facts.height * width:
            self.note(
                "boxes-scaled", name, f"{width} x {height}, is {facts.width} x {facts.height}"
            )
            return True
        self.note("other-image", name, f"{width} x {height}, is {facts.width} x {facts.height}")
        return False

    def _clipped(self, name: str, corners: Corners, size: tuple[int, int]) -> Corners | None:
        height, width = size
        if not height or not width:
            return corners
        left, top, right, bottom = corners
        inside = (
            min(max(left, 0.0), width), min(max(top, 0.0), height),
            min(max(right, 0.0), width), min(max(bottom, 0.0), height),
        )  # fmt: skip
        if inside[2] - inside[0] < _NARROWEST or inside[3] - inside[1] < _NARROWEST:
            self.note("boxes-empty", name, _shown(corners))
            return None
        if max(abs(a - b) for a, b in zip(inside, corners, strict=True)) >= _ROUNDING:
            self.note("boxes-clipped", name, _shown(corners))
        return inside


def split_of(*names: str) -> str | None:
    """The side that folder or file names tell, the first that tells one.

    >>> split_of("instances_train2017"), split_of("val", "x"), split_of("training_run"), split_of("retrain")
    ('train', 'val', 'train', None)
    """
    for name in names:
        words = "".join(c if c.isalpha() else " " for c in name.lower()).split()
        for word in words:
            if word in SPLIT_NAMES:
                return SPLIT_NAMES[word]
    return None


def only_known_sides(records: Iterable[Record]) -> bool:
    """Whether the sides that were told make a split: every picture has one, and some are in train."""
    sides = {record.split for record in records}
    return None not in sides and "train" in sides


def _facts(path: Path) -> ImageFacts | None:
    try:
        return describe_image(path)
    except ImageError:
        return None


def _shown(corners: Corners) -> str:
    return "(" + ", ".join(f"{value:g}" for value in corners) + ")"


def _finding(code: str, notes: Sequence[tuple[str, str]]) -> Finding:
    words = WORDS[code]
    ids = tuple(name for name, _ in notes)
    details = tuple(detail for _, detail in notes) if any(detail for _, detail in notes) else ()
    what = f"{plural(len(notes), words.one, words.many)}."
    return Finding(code, words.severity, len(notes), what, words.done, ids, details)
