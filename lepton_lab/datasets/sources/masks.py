# SPDX-License-Identifier: BSD-3-Clause
"""A folder of images beside a folder of masks, for segmentation; `mask_layout` says which layouts.

Every mask is decoded once while the data set is loaded, so that no value, size or damaged file is met for
the first time in the middle of an epoch. 255 is no class.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lepton_lab.datasets.checking import digest_of
from lepton_lab.datasets.labels.mask import IGNORE, MOST_CLASSES, RawMask, merged
from lepton_lab.datasets.mask_files import MaskFacts, look_at, read_values
from lepton_lab.datasets.missing import explain
from lepton_lab.datasets.records import (
    Finding,
    Reading,
    Record,
    Source,
    call,
    no_such,
    plural,
    quoted,
)
from lepton_lab.datasets.sources.mask_classes import Classes, classes_of, find_file
from lepton_lab.datasets.sources.mask_layout import Layout, Pair, pair_up, places
from lepton_lab.runtime.decode import ImageError, describe_image
from lepton_lab.spec import DataSpec

TASK = "semantic-segmentation"
BACKGROUND = "background"
Facts = dict[Path, MaskFacts]


def recognizes(source: Any) -> bool:
    """A folder with images beside pictures that are masks, by the names of its folders."""
    try:
        return isinstance(source, (str, os.PathLike)) and bool(places(Path(source).expanduser()))
    except (OSError, ValueError, RuntimeError):
        return False


def read(source: Any, spec: DataSpec) -> Reading:
    """The images with their masks. Raises DataError when no image has a mask that fits it."""
    root = Path(source).expanduser()
    if not root.is_dir():
        raise explain(source)
    layout = pair_up(root, spec.masks)
    if not layout.pairs:
        raise _no_pairs(source, layout, spec)
    files = [path for pair in layout.pairs for path in pair.masks.values()]
    facts = dict(zip(files, look_at(files), strict=True))
    findings = [finding for walk in layout.walks for finding in walk.findings()]
    findings += _unpaired(layout)
    pairs, lost = _fitting(layout.pairs, facts)
    findings += lost
    if not pairs:
        why = lost[0].examples(1) if lost else ""
        raise no_such(f'No mask in "{source}" can be used.', f"{lost[0].what} {why}", _TODO)
    classes = _classes(root, layout, pairs, facts, spec)
    findings += [*classes.findings, *_lossy(pairs, facts)]
    left_out = {i for i, name in enumerate(classes.names) if name in spec.exclude}
    masks = [_raw(pair, classes, facts, bool(layout.layers), left_out) for pair in pairs]
    kept, empty = _with_content(pairs, masks)
    findings += empty
    if not kept:
        raise no_such(f'All masks in "{source}" are empty.', f"{empty[0].what}", _TODO)
    records = _ranked(kept)
    return Reading(
        records, root.resolve().name, tuple(findings), classes.names, labels="mask", task=TASK
    )


def _unpaired(layout: Layout) -> Iterator[Finding]:
    if layout.bare:
        what = plural(len(layout.bare), "image has", "images have") + " no mask."
        yield Finding("no-mask", "warning", len(layout.bare), what, "Left out.", tuple(layout.bare))
    if layout.lonely:
        count = len(layout.lonely)
        what = plural(count, "file in the masks belongs", "files in the masks belong")
        what += " to no image."
        yield Finding("no-image", "warning", count, what, "Not read.", tuple(layout.lonely))


def _fitting(pairs: Sequence[Pair], facts: Facts) -> tuple[list[Pair], list[Finding]]:
    """The pairs whose masks can be read and have the size of their image."""
    kept, damaged, other = [], {}, {}
    for pair in pairs:
        known = [facts[path] for path in pair.masks.values()]
        bad = next((f for f in known if f.code), None)
        if bad is not None:
            damaged[pair.id] = bad.reason
        elif reason := _misfit(pair.image, known):
            other[pair.id] = reason
        else:
            kept.append(pair)
    findings = []
    if damaged:
        what = plural(len(damaged), "mask cannot be used.", "masks cannot be used.")
        findings.append(_told("bad-mask", "error", damaged, what, "Left out with its image."))
    if other:
        what = plural(
            len(other), "mask has another size than its", "masks have another size than their"
        )
        what += " image."
        done = "Left out: a mask that is resized would label the wrong pixels."
        findings.append(_told("mask-size", "error", other, what, done))
    return kept, findings


def _misfit(image: Path, masks: Sequence[MaskFacts]) -> str:
    """Why masks do not fit their image; an unreadable image is told later, by those who read images."""
    if len({mask.size for mask in masks}) > 1:
        return "its files have different sizes"
    try:
        found = describe_image(image)
    except ImageError:
        return ""
    wrong = next((m.size for m in masks if m.size != (found.height, found.width)), None)
    if wrong is None:
        return ""
    said = f"mask {wrong[1]} × {wrong[0]}, image {found.width} × {found.height}"
    turned = wrong == (found.width, found.height) and found.orientation >= 5
    return said + (", which its EXIF record turns upright" if turned else "")


def _classes(
    root: Path, layout: Layout, pairs: Sequence[Pair], facts: Facts, spec: DataSpec
) -> Classes:
    if layout.layers:
        names = (BACKGROUND, *(name for name in layout.layers if name != BACKGROUND))
        if len(names) > MOST_CLASSES:
            raise no_such(
                f"The masks have {len(names)} different endings; each one would be a class.",
                f"Found {quoted(names[1:])}. Numbered objects are no classes.",
                "Write one mask per image, or name the files by class: photo_cat.png",
            )
        what = f"One file per class: {quoted(names[1:])}; the rest of an image is {BACKGROUND}."
        return Classes(names, {}, (Finding("layers", "info", len(names), what),))
    values = {value for pair in pairs for value in facts[pair.masks[""]].counts}
    around = {place.masks for place in places(root, spec.masks)}
    folders = [root, *sorted(around), *sorted({folder.parent for folder in around})]
    return classes_of(values, find_file(folders), layout.subject or "object")


def _raw(pair: Pair, classes: Classes, facts: Facts, layers: bool, left_out: set[int]) -> RawMask:
    """The mask of a pair; pixels of classes that are left out are of no class."""
    files = tuple(sorted(pair.masks.items()))
    values: Mapping[int, int] = {}
    if layers:
        each = repr([(name, facts[path].digest) for name, path in files])
        digest = digest_of(each.encode()).hex()
        found = merged({classes.names.index(name): read_values(path) for name, path in files})
        pixels = [int((found == i).sum()) for i in range(len(classes.names))]
    else:
        known, values = facts[files[0][1]], classes.values
        digest, pixels = known.digest.hex(), [0] * len(classes.names)
        for value, count in known.counts.items():
            index = values.get(value, IGNORE)
            if index != IGNORE:
                pixels[index] += count
    kept = tuple(0 if i in left_out else n for i, n in enumerate(pixels))
    return RawMask(classes.names, files, values, kept, digest)


def _with_content(
    pairs: Sequence[Pair], masks: Sequence[RawMask]
) -> tuple[list[tuple[Pair, RawMask]], list[Finding]]:
    """Masks that say something; those of one class alone are kept and told."""
    findings = []
    empty = {pair.id: "" for pair, mask in zip(pairs, masks, strict=True) if not any(mask.pixels)}
    if empty:
        what = plural(len(empty), "mask is", "masks are") + " empty: no pixel of any class."
        findings.append(_told("empty-mask", "warning", empty, what, "Left out with its image."))
    first = masks[0].names[0] if masks else ""
    plain = {
        pair.id: ""
        for pair, mask in zip(pairs, masks, strict=True)
        if mask.pixels[0] and not any(mask.pixels[1:])
    }
    if plain and len(plain) < len(pairs):
        what = plural(len(plain), "mask shows", "masks show") + f" nothing but {quoted([first])}."
        done = "Kept: it teaches where nothing is."
        findings.append(_told("plain-mask", "info", plain, what, done))
    kept = [(p, m) for p, m in zip(pairs, masks, strict=True) if p.id not in empty]
    return kept, findings


def _ranked(kept: Sequence[tuple[Pair, RawMask]]) -> list[Record]:
    """Records whose mask knows the class in it that the fewest masks have: splits keep those balanced."""
    masks = Counter(i for _, mask in kept for i, count in enumerate(mask.pixels) if count)
    records = []
    for pair, mask in kept:
        here = [i for i, count in enumerate(mask.pixels) if count]
        rarest = mask.names[min(here, key=lambda i: (masks[i], i))]
        records.append(Record(pair.id, pair.image, replace(mask, rarest=rarest), pair.split))
    return records


def _lossy(pairs: Sequence[Pair], facts: Facts) -> Iterator[Finding]:
    ids = {pair.id: "" for pair in pairs if any(facts[p].lossy for p in pair.masks.values())}
    if ids:
        what = plural(len(ids), "mask is", "masks are") + " stored in a lossy format."
        done = "Read as black and white, cut at half; save masks as PNG."
        yield _told("lossy-masks", "warning", ids, what, done)


def _told(code: str, severity: Any, reasons: dict[str, str], what: str, done: str) -> Finding:
    names = tuple(sorted(reasons))
    details = tuple(reasons[name] for name in names) if any(reasons.values()) else ()
    return Finding(code, severity, len(names), what, done, names, details)


def _no_pairs(source: Any, layout: Layout, spec: DataSpec) -> Exception:
    if not places(Path(source).expanduser(), spec.masks):
        return no_such(
            f'There are no masks for the images in "{source}".',
            f'"{spec.masks or "masks"}" is no folder in it.',
            call(source, masks="masks"),
        )
    counts = f"{plural(len(layout.bare), 'image')} and {plural(len(layout.lonely), 'other file')}"
    example = f" ({quoted([*layout.bare[:1], *layout.lonely[:1]])})" if layout.bare else ""
    return no_such(
        f'No mask in "{source}" has the name of an image.', f"Found {counts}{example}.", _TODO
    )


_TODO = "A mask is a PNG with the name of its image: images/a.jpg and masks/a.png."
SOURCE = Source("masks", "Images beside a folder of masks, one class per pixel.", recognizes, read)
