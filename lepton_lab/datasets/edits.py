# SPDX-License-Identifier: BSD-3-Clause
"""Edits of a data set that change no file of the user: relabel, drop, keep.

An edits file is a log of JSON lines to which lines are only ever added; `undo` is a line too. Its first N lines
therefore never change, and `edits.jsonl@N` names a state for good: a run that was trained on it is resumed
with the same labels however the cleaning went on. An edit names its sample by id and content; when either is
no longer there, the edit is not applied, and that is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lepton_lab.datasets.checking import Check
from lepton_lab.datasets.contents import contents
from lepton_lab.datasets.records import Finding, Sample, are, no_such, plural
from lepton_lab.errors import StorageError

if TYPE_CHECKING:
    from lepton_lab.datasets.dataset import Dataset

D = TypeVar("D", bound="Dataset")
ACTIONS = ("relabel", "drop", "keep")
UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be done with one sample.

    Attributes:
        action: "relabel", "drop" or "keep".
        id: The sample.
        digest: Its content, hexadecimal.
        label: The class that it gets, by name; empty unless it is relabeled.
    """

    action: str
    id: str
    digest: str
    label: str = ""


@dataclass(frozen=True)
class Log:
    """What an edits file says.

    Attributes:
        edits: Those that stand, in the order in which they were made; a sample may occur more than once.
        lines: Lines read, damaged ones included.
        damaged: Lines that cannot be understood; they are passed over.
    """

    edits: tuple[Edit, ...] = ()
    lines: int = 0
    damaged: int = 0

    @property
    def standing(self) -> dict[str, Edit]:
        """Sample id -> its last edit."""
        return {edit.id: edit for edit in self.edits}


def read(path: Path, lines: int | None = None) -> Log:
    """The edits that stand in a file.

    Args:
        path: The file.
        lines: Read the first so many lines alone.

    Raises:
        StorageError: The file cannot be read.
    """
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise StorageError(f"The edits file {path} cannot be read.", str(error.strerror)) from error
    found = [line for line in text.split("\n") if line.strip()][:lines]
    standing: list[Edit] = []
    damaged = 0
    for line in found:
        edit = _edit(line)
        if isinstance(edit, Edit):
            standing.append(edit)
        elif edit == UNDO:
            del standing[-1:]
        else:
            damaged += 1
    return Log(tuple(standing), len(found), damaged)


def parted(name: str) -> tuple[Path, int | None]:
    """The file and the number of lines that `edits.jsonl@12` names.

    >>> parted("edits.jsonl@12")[1], parted("edits.jsonl")[1]
    (12, None)
    """
    path, mark, lines = name.rpartition("@")
    if mark and path and lines.isdecimal() and not Path(name).is_file():
        return Path(path).expanduser(), int(lines)
    return Path(name).expanduser(), None


def edited(data: D, name: str) -> D:
    """A data set with the edits of a file; `data` and every file stay as they are.

    Args:
        data: The data set as it was read.
        name: The file, or `FILE@N` for its first N lines.

    Raises:
        DataError: There is no such file, it is shorter than N lines, or nothing would be left to train on.
        StorageError: The file cannot be read.
    """
    path, lines = parted(name)
    if not path.is_file():
        raise no_such(
            f'There is no edits file "{path}".', "", "Leave edits= out, or name the file."
        )
    log = read(path, lines)
    if lines is not None and log.lines < lines:
        raise no_such(
            f'The edits file "{path.name}" is shorter than it was.',
            f"It has {plural(log.lines, 'line')}; {lines} are asked for.",
            "Put the file back as it was.",
        )
    checks = dict(data.checks)
    every = (s for split in data.splits() for s in split)
    fitting = _fitting(log.standing, every, checks, data.content)
    index = {label: i for i, label in enumerate(data.classes)}
    fitting = {k: e for k, e in fitting.items() if e.action != "relabel" or e.label in index}
    samples: dict[str, list[Sample]] = {"train": [], "val": [], "test": []}
    for split in data.splits():
        samples[split.name] = [
            _changed(s, fitting.get(s.id), index) for s in split if not _drops(fitting.get(s.id))
        ]
    if not samples["train"]:
        raise no_such(
            "The edits drop every sample of train.", "", "Undo some of them: lab.clean(data).undo()"
        )
    problems = [*data.problems, *_told(log, fitting, path)]
    spec = replace(data.spec, edits=f"{path.absolute()}@{log.lines}")
    result = data.rebuilt(samples, spec, problems, checks)
    result.original = data
    return result


def content_digest(sample: Sample, checks: Mapping[str, Check], content: str = "image") -> str:
    """The content of a sample as hexadecimal digits; read now where loading did not need it."""
    known = checks[sample.id].digest
    return (known or contents.get(content).check([sample.payload])[0].digest).hex()


def _fitting(
    edits: Mapping[str, Edit], samples: Iterable[Sample], checks: dict[str, Check], content: str
) -> dict[str, Edit]:
    """The edits whose sample is there with the content that it had."""
    found = {}
    for sample in samples:
        edit = edits.get(sample.id)
        if edit is not None and edit.digest == content_digest(sample, checks, content):
            found[sample.id] = edit
            if not checks[sample.id].digest:
                digest = bytes.fromhex(edit.digest)
                checks[sample.id] = replace(checks[sample.id], digest=digest)
    return found


def _drops(edit: Edit | None) -> bool:
    return edit is not None and edit.action == "drop"


def _changed(sample: Sample, edit: Edit | None, index: Mapping[str, int]) -> Sample:
    if edit is None or edit.action != "relabel":
        return sample
    return replace(sample, label=index[edit.label])


def _told(log: Log, fitting: Mapping[str, Edit], path: Path) -> list[Finding]:
    """What was done and what could not be done, as findings."""
    told = []
    changing = [edit for edit in fitting.values() if edit.action != "keep"]
    if changing:
        drops = sum(edit.action == "drop" for edit in changing)
        what = f"{plural(len(changing) - drops, 'sample was', 'samples were')} relabeled and {drops} dropped."
        ids = tuple(edit.id for edit in changing)
        told.append(Finding("edited", "info", len(ids), what, f"By {path.name}.", ids))
    lost = [name for name in log.standing if name not in fitting]
    if lost:
        what = f"{plural(len(lost), 'edit fits', 'edits fit')} no sample any more."
        done = "The sample, its content or the class is not there; not applied."
        told.append(Finding("edits-lost", "warning", len(lost), what, done, tuple(lost)))
    if log.damaged:
        what = f"{plural(log.damaged, 'line')} of {path.name} {are(log.damaged)} damaged."
        told.append(Finding("edits-damaged", "warning", log.damaged, what, "Passed over."))
    return told


def _edit(line: str) -> Edit | str | None:
    """An edit, "undo", or None for a line that is neither."""
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    parts = [value.get(key, "") for key in ("action", "id", "digest", "label")]
    if not all(isinstance(part, str) for part in parts):
        return None
    edit = Edit(*parts)
    if edit.action == UNDO:
        return UNDO
    good = edit.action in ACTIONS and edit.id and edit.digest
    return edit if good and (edit.action != "relabel" or edit.label) else None
