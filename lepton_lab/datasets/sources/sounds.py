# SPDX-License-Identifier: BSD-3-Clause
"""A folder of sounds for each class, perhaps inside folders called train, val and test.

    words/yes/1.wav   words/no/a/2.flac          the label is the first folder
    words/train/yes/1.wav   words/val/no/3.mp3   the split comes before it

The layouts are those of folders of images, and so are the things that are told about them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
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
from lepton_lab.datasets.sources import names
from lepton_lab.datasets.sources.folder import split_folders
from lepton_lab.datasets.sources.walk import Walk, is_junk, walk
from lepton_lab.errors import LeptonError
from lepton_lab.runtime.sound import is_installed
from lepton_lab.spec import DataSpec

TASK = "audio-classification"
# Suffix -> format; the last row is known not to be readable, and each such file is told with its reason.
FORMATS = {
    ".wav": "WAV", ".wave": "WAV", ".flac": "FLAC", ".mp3": "MP3", ".ogg": "OGG", ".oga": "OGG",
    ".opus": "OGG", ".aif": "AIFF", ".aiff": "AIFF", ".aifc": "AIFF",
    ".m4a": "AAC", ".aac": "AAC", ".wma": "WMA", ".weba": "WebM",
}  # fmt: skip
_LOOK_AT = 2000


def recognizes(source: Any) -> bool:
    """A folder that holds more sounds than images, by a look that stops early."""
    try:
        if not isinstance(source, (str, os.PathLike)) or not str(source):
            return False
        sounds = images = looked = 0
        for _, folders, files in os.walk(Path(source).expanduser()):
            folders[:] = [name for name in folders if not is_junk(name)]
            suffixes = [names.suffix(name) for name in files]
            sounds += sum(one in FORMATS for one in suffixes)
            images += sum(one in names.FORMATS for one in suffixes)
            looked += len(files) + 1
            if looked > _LOOK_AT:
                break
        return sounds > images
    except (OSError, ValueError, RuntimeError):
        return False


def read(source: Any, spec: DataSpec) -> Reading:
    """The sounds of a folder, labeled by folder, or by a table: `spec.label` is TABLE:COLUMN."""
    root = Path(source).expanduser()
    if ":" in spec.label:
        from lepton_lab.datasets.sources.sound_table import read_beside

        return read_beside(root, spec)
    found = walk(root)
    sounds = [name for name in found.files if names.suffix(name) in FORMATS]
    splits = split_folders(source, found)
    records: list[Record] = []
    stray: list[str] = []
    for name in sounds:
        parts = name.split("/")
        split = splits.get(parts[0])
        inner = parts[1:] if split else parts
        if len(inner) < 2 or (splits and not split):
            stray.append(name)
        else:
            records.append(Record(name, root / name, inner[0], split))
    if not records:
        raise _no_class_folders(source, found, sounds)
    check_readable([root / record.id for record in records])
    findings = (
        *found.findings(),
        *_stray(stray),
        *_others(found, sounds),
        *_empty(found, records, splits),
    )
    return Reading(
        records, root.resolve().name, findings, flip_safe=False, content="sound", task=TASK
    )


def check_readable(paths: Sequence[Path]) -> None:
    """Stop before anything is read when files need a package that is not there.

    Raises:
        LeptonError: Says what to install.
    """
    needy = [path for path in paths if names.suffix(path.name) not in (".wav", ".wave")]
    if needy and not is_installed():
        raise LeptonError(
            f"{plural(len(needy), 'sound')} ({names.kinds(path.name for path in needy)}) cannot be read here.",
            "Formats other than WAV are read by the package soundfile, which is not installed.",
            'pip install "lepton-lab[audio]"',
        )


def _stray(stray: list[str]) -> Iterator[Finding]:
    if stray:
        what = f"{plural(len(stray), 'clip lies', 'clips lie')} outside any class folder."
        done = "Left out: no folder names a class."
        yield Finding("stray", "warning", len(stray), what, done, tuple(stray))


def _others(found: Walk, sounds: list[str]) -> Iterator[Finding]:
    known = set(sounds)
    other = [name for name in found.files if name not in known]
    if other:
        what = plural(len(other), "file is no sound", "files are no sounds")
        what += f" ({names.kinds(other)})."
        yield Finding("other-files", "info", len(other), what, "Not read.", tuple(other))


def _empty(found: Walk, records: list[Record], splits: dict[str, str]) -> Iterator[Finding]:
    """Class folders without a single sound."""
    depth = 2 if splits else 1
    filled = {"/".join(record.id.split("/")[:depth]) for record in records}
    bare = [name for name in found.folders if name.count("/") == depth - 1 and name not in filled]
    if splits:
        bare = [name for name in bare if name.split("/")[0] in splits]
    if bare:
        what = plural(len(bare), "class folder has", "class folders have")
        what += f" no sound: {quoted(bare)}."
        done = "Left out of the classes."
        yield Finding("empty-class", "warning", len(bare), what, done, tuple(bare))


def _no_class_folders(source: Any, found: Walk, sounds: list[str]) -> LeptonError:
    folder = Path(source).resolve().name
    tables = [name for name in found.files if names.suffix(name) in names.TABLES]
    return no_such(
        f'Found {plural(len(sounds), "sound")} in "{source}" but no class folders.',
        f"Put each class in its own folder ({folder}/yes/…, {folder}/no/…), or name a table of labels:",
        call(source, label=f"{tables[0] if tables else 'labels.csv'}:COLUMN"),
    )


SOURCE = Source(
    "sounds",
    "A folder of sounds for each class, with or without train, val and test.",
    recognizes,
    read,
)
