# SPDX-License-Identifier: BSD-3-Clause
"""A folder for each class, perhaps inside folders called train, val and test.

    photos/cat/1.jpg   photos/dog/a/b/2.png              the label is the first folder
    photos/train/cat/1.jpg   photos/val/dog/3.jpg        the split comes before it

Images may lie at any depth below their class folder. What lies elsewhere is told, not guessed at.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

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
from lepton_lab.datasets.sources.names import FORMATS, SPLIT_NAMES, TABLES, is_image, kinds, suffix
from lepton_lab.datasets.sources.walk import Walk, is_junk, walk
from lepton_lab.errors import DataError
from lepton_lab.spec import DataSpec

SUFFIXES = frozenset(FORMATS)


def recognizes(source: Any) -> bool:
    """A path to a folder that exists."""
    return isinstance(source, (str, os.PathLike)) and _is_folder(source)


def read(source: Any, spec: DataSpec) -> Reading:
    """The images of a folder, labeled by folder, or by a table: `spec.label` is TABLE:COLUMN."""
    root = Path(source).expanduser()
    if ":" in spec.label:
        from lepton_lab.datasets.sources.table import read_beside

        return read_beside(root, spec)
    found = walk(root)
    images = [name for name in found.files if is_image(root, name)]
    if not images:
        raise _no_images(source, found)
    return _label(source, root, found, images)


def _label(source: Any, root: Path, found: Walk, images: list[str]) -> Reading:
    splits = split_folders(source, found)
    records: list[Record] = []
    stray: list[str] = []
    for name in images:
        parts = name.split("/")
        split = splits.get(parts[0]) if splits else None
        inner = parts[1:] if split else parts
        if len(inner) < 2 or (splits and not split):
            stray.append(name)
        else:
            records.append(Record(name, root / name, inner[0], split))
    if not records:
        raise _no_class_folders(source, found, images)
    findings = [
        *found.findings(),
        *_left_out(found, images, stray),
        *_empty(found, records, splits),
    ]
    return Reading(records, root.resolve().name, tuple(findings))


def split_folders(source: Any, found: Walk) -> dict[str, str]:
    """Top folders that are splits -> their split; empty when the top folders are classes."""
    top = [name for name in found.folders if "/" not in name]
    splits = {name: SPLIT_NAMES[name.lower()] for name in top if name.lower() in SPLIT_NAMES}
    inner = {name.split("/")[0] for name in found.folders if "/" in name}
    splits_with_classes = {name: split for name, split in splits.items() if name in inner}
    if not splits_with_classes:
        return {}
    if "train" not in splits_with_classes.values():
        if len(splits) < len(top):
            return {}
        raise no_such(
            f'"{source}" has {quoted(sorted(splits))} but no train folder.',
            "Held-out images cannot be learned from.",
            "Rename one to train, or read it alone: "
            + call(Path(source) / min(splits_with_classes)),
        )
    classes_in_train = [
        name
        for name in found.folders
        if splits.get(name.partition("/")[0]) == "train" and name.count("/") == 1
    ]
    return splits if len(splits) > 1 or len(classes_in_train) > 1 or len(top) == 1 else {}


def _left_out(found: Walk, images: list[str], stray: list[str]) -> list[Finding]:
    findings = []
    if stray:
        what = f"{plural(len(stray), 'image lies', 'images lie')} outside any class folder."
        findings.append(
            Finding(
                "stray",
                "warning",
                len(stray),
                what,
                "Left out: no folder names a class.",
                tuple(stray),
            )
        )
    known = set(images)
    other = [name for name in found.files if name not in known]
    if other:
        what = f"{plural(len(other), 'file is no image', 'files are no images')} ({kinds(other)})."
        findings.append(Finding("other-files", "info", len(other), what, "Not read.", tuple(other)))
    return findings


def _empty(found: Walk, records: list[Record], split_folders: dict[str, str]) -> list[Finding]:
    """Class folders without a single image."""
    depth = 2 if split_folders else 1
    filled = {"/".join(record.id.split("/")[:depth]) for record in records}
    folders = [
        name for name in found.folders if name.count("/") == depth - 1 and name not in filled
    ]
    if split_folders:
        folders = [name for name in folders if name.split("/")[0] in split_folders]
    if not folders:
        return []
    count = len(folders)
    what = f"{plural(count, 'class folder has', 'class folders have')} no image: {quoted(folders)}."
    return [
        Finding("empty-class", "warning", count, what, "Left out of the classes.", tuple(folders))
    ]


def _no_images(source: Any, found: Walk) -> DataError:
    if not found.files and not found.folders:
        why = "The folder is empty."
    elif not found.files:
        why = f"{plural(len(found.folders), 'folder')} in it, all without an ordinary file."
    else:
        why = f"{plural(len(found.files), 'file')} of other kinds in it ({kinds(found.files)})."
    if found.denied:
        why += f" {plural(len(found.denied), 'folder')} cannot be read: {quoted(found.denied)}."
    if found.links:
        why += f" {plural(len(found.links), 'link')} not followed: {quoted(found.links, 2)}."
    tables = [name for name in found.files if suffix(name) in TABLES]
    todo = (
        call(Path(source) / tables[0])
        if tables
        else "Put one folder of images for each class into it, then run again."
    )
    return no_such(f'There are no images in "{source}".', why, todo)


def _no_class_folders(source: Any, found: Walk, images: list[str]) -> DataError:
    name = Path(source).resolve().name
    tables = [file for file in found.files if suffix(file) in TABLES]
    where = tables[0] if tables else "labels.csv"
    column = _label_column(Path(source) / where) if tables else "species"
    return no_such(
        f'Found {plural(len(images), "image")} in "{source}" but no class folders.',
        f"For classification put each class in its own folder ({name}/cat/…, {name}/dog/…), "
        "or name a table of labels:",
        call(source, label=f"{where}:{column}"),
    )


def _label_column(path: Path) -> str:
    from lepton_lab.datasets.sources.table import guess_label

    try:
        return guess_label(path)
    except (DataError, OSError, ImportError):
        return "COLUMN"


def only_class_hint(root: Path, label: str) -> Path | None:
    """A folder inside the only class that looks like the real data set (unpacked twice)."""
    inner = root / label
    if not inner.is_dir():
        return None
    folders = [entry for entry in os.scandir(inner) if entry.is_dir() and not is_junk(entry.name)]
    filled = [
        f
        for f in folders
        if any(suffix(e.name) in FORMATS or e.is_dir() for e in os.scandir(f.path))
    ]
    return inner if len(filled) > 1 else None


def _is_folder(source: str | os.PathLike[str]) -> bool:
    try:
        return bool(str(source)) and Path(source).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


SOURCE = Source(
    "folder",
    "A folder of images for each class, with or without train, val and test.",
    recognizes,
    read,
)
