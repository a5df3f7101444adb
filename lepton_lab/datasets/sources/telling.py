# SPDX-License-Identifier: BSD-3-Clause
"""What a table is for, told from its columns, and which column has which role.

A guess is only a guess: it comes with its reason, and `task=`, `text=`, `label=` and their like overrule it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lepton_lab.datasets.records import call, no_such, quoted
from lepton_lab.datasets.sources.cells import SPLIT_COLUMNS, Columns, blank
from lepton_lab.datasets.sources.names import FORMATS, suffix
from lepton_lab.datasets.sources.table import IMAGE_COLUMNS
from lepton_lab.datasets.sources.walk import walk
from lepton_lab.spec import DataSpec

SOUNDS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aiff", ".aif")
LABEL_NAMES = (
    "label", "labels", "class", "class_name", "target", "category", "categories", "intent", "sentiment",
    "rating", "stars", "score", "topic", "emotion", "species", "breed", "churn", "fraud", "default", "y",
)  # fmt: skip
TEXT_NAMES = (
    "text", "sentence", "review", "review_text", "content", "message", "comment", "body", "tweet",
    "utterance", "document", "abstract", "question", "query", "headline", "post", "email", "title",
)  # fmt: skip
PAIRS = (
    ("sentence1", "sentence2"), ("premise", "hypothesis"), ("question1", "question2"),
    ("text_a", "text_b"), ("text1", "text2"), ("sentence_a", "sentence_b"), ("query", "passage"),
)  # fmt: skip
TOKEN_NAMES, TAG_NAMES = (
    ("tokens", "words"),
    ("ner_tags", "tags", "labels", "pos_tags", "chunk_tags"),
)
_LOOK_AT = 300
_FEW_COLUMNS = 3
_MANY_VALUES = 50
_SOME_VALUES = 10
_WORDS = 3


class Told(NamedTuple):
    """What a table is for: the task, role -> column, and why it is thought so."""

    task: str
    columns: dict[str, str]
    reason: str


def tell_task(columns: Columns, spec: DataSpec) -> Told:
    """The task of a table; the one that `spec.task` names, or the one that its columns look like.

    Args:
        columns: The table.
        spec: Names columns where the user did.

    Returns:
        The task; the columns of its roles: "image", "audio", "text" (two of them with a comma), "tokens"
        and "tags", "label"; and one sentence on why.

    Raises:
        DataError: A named column is missing, or no column fits the task.
    """
    for option in ("image", "tokens", "tags", "group"):
        if getattr(spec, option):
            columns.existing(getattr(spec, option), option)
    for name in _texts_named(spec):
        columns.existing(name, "text")
    if spec.label:
        columns.existing(spec.label, "label")
    for task, find in _ROLES:
        if spec.task in ("auto", task) or (task == "tabular" and spec.task.startswith("tabular-")):
            roles = find(columns, spec)
            if roles is not None:
                return _told(task, columns, spec, roles)
            if spec.task != "auto":
                raise no_such(
                    f'The table "{columns.source}" does not look like {spec.task}.',
                    f"{_NEEDED[task]} Columns: {quoted(columns.names, 12)}.",
                    call(columns.source, task=spec.task, **{_OPTION[task]: columns.names[0]}),
                )
    raise no_such(
        f'It is not clear what the table "{columns.source}" is for.',
        f"Columns: {quoted(columns.names, 12)}.",
        call(columns.source, label=columns.names[-1]),
    )


def is_measure(cells: Sequence[Any]) -> bool:
    """Whether labels are measurements: numbers, fractions among them or very many different ones.

    >>> is_measure(["1", "2", "3"]), is_measure([f"{i / 7}" for i in range(40)])
    (False, True)
    """
    distinct = {str(cell).strip() for cell in cells if not blank(cell)}
    if len(distinct) <= _SOME_VALUES or not all(is_number(text) for text in distinct):
        return False
    return len(distinct) > _MANY_VALUES or any(not float(text).is_integer() for text in distinct)


def is_number(text: Any) -> bool:
    """Whether a cell is a finite decimal number.

    >>> [is_number(text) for text in ("1e3", "-2", "nan", "1_000", "NA")]
    [True, True, False, False, False]
    """
    return isinstance(text, str) and _NUMBER.fullmatch(text.strip()) is not None


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def _told(task: str, columns: Columns, spec: DataSpec, roles: dict[str, str]) -> Told:
    if task == "tabular":
        task = spec.task
        if task == "auto":
            measure = is_measure(columns.column(roles["label"]))
            task = "tabular-regression" if measure else "tabular-classification"
    said = ", ".join(f"{role}={name}" for role, name in roles.items())
    return Told(task, roles, f"{task}: {said}")


def _image(columns: Columns, spec: DataSpec) -> dict[str, str] | None:
    if spec.image:
        return {"image": spec.image}
    found = _holding(columns, _is_picture) or _named_stems(columns)
    return {"image": found} if found else None


def _named_stems(columns: Columns) -> str:
    """A column that names images beside the table without their suffix; only small tables are looked at."""
    path = Path(columns.source)
    named = [name for name in columns.names if name.lower() in IMAGE_COLUMNS]
    if not named or len(columns.names) > _FEW_COLUMNS or not path.is_file():
        return ""
    files = (name for name in walk(path.parent).files if suffix(name) in FORMATS)
    stems = {stem for name in files for stem in (Path(name).stem, str(Path(name).with_suffix("")))}
    return next(
        (n for n in named if stems and _share(columns.column(n), stems.__contains__) > 0.5), ""
    )


def _audio(columns: Columns, spec: DataSpec) -> dict[str, str] | None:
    found = _holding(columns, _is_sound)
    if not found:
        return None
    return {"audio": found, **_label(columns, spec, (found,))}


def _tokens(columns: Columns, spec: DataSpec) -> dict[str, str] | None:
    lists = [name for name in columns.names if _share(columns.column(name), _is_list) > 0.5]
    named = {name.lower(): name for name in (lists or columns.names)}
    words = spec.tokens or next((named[n] for n in TOKEN_NAMES if n in named), "")
    tags = spec.tags or next((named[n] for n in TAG_NAMES if n in named and named[n] != words), "")
    if (spec.tokens or spec.tags) and words and tags:
        return {"tokens": words, "tags": tags}
    if words not in lists or tags not in lists:
        return None
    alike = [len(row[words] or ()) == len(row[tags] or ()) for row in columns.rows[:_LOOK_AT]]
    return {"tokens": words, "tags": tags} if sum(alike) > len(alike) / 2 else None


def _text(columns: Columns, spec: DataSpec) -> dict[str, str] | None:
    named = _texts_named(spec)
    if named:
        return {"text": ",".join(named), **_label(columns, spec, named)}
    lowered = {name.lower(): name for name in columns.names}
    for one, other in PAIRS:
        if one in lowered and other in lowered:
            pair = (lowered[one], lowered[other])
            return {"text": ",".join(pair), **_label(columns, spec, pair)}
    free = [n for n in columns.names if n not in (spec.label, spec.group) and n not in spec.drop]
    texts = [name for name in free if _is_textual(columns.column(name), name)]
    if not texts:
        return None
    known = [lowered[name] for name in TEXT_NAMES if lowered.get(name) in texts]
    text = known[0] if known else texts[0]
    others = [n for n in free if n not in texts and n.lower() not in SPLIT_COLUMNS]
    if spec.task == "auto" and not known and len(others) > _FEW_COLUMNS:
        return None
    return {"text": text, **_label(columns, spec, (text,))}


def _tabular(columns: Columns, spec: DataSpec) -> dict[str, str] | None:
    if len(columns.names) < 2:
        return None
    return {"label": spec.label or _named_label(columns, ()) or columns.names[-1]}


_ROLES: tuple[tuple[str, Callable[[Columns, DataSpec], dict[str, str] | None]], ...] = (
    ("image-classification", _image),
    ("audio-classification", _audio),
    ("token-classification", _tokens),
    ("text-classification", _text),
    ("tabular", _tabular),
)
_NEEDED = {
    "image-classification": "No column holds paths of images.",
    "audio-classification": "No column holds paths of sounds.",
    "token-classification": "Two columns must hold lists of equal length: words and tags.",
    "text-classification": "No column holds texts.",
    "tabular": "At least two columns are needed.",
}
_OPTION = {
    "image-classification": "image",
    "audio-classification": "image",
    "token-classification": "tokens",
    "text-classification": "text",
    "tabular": "label",
}


def _label(columns: Columns, spec: DataSpec, used: Sequence[str]) -> dict[str, str]:
    """The label's column: the named one, one with a telling name, or the only one left."""
    if spec.label:
        return {"label": spec.label}
    found = _named_label(columns, used)
    left = [n for n in columns.names if n not in used and n != spec.group and n not in spec.drop]
    left = [n for n in left if n.lower() not in SPLIT_COLUMNS]
    if not found and len(left) == 1:
        found = left[0]
    if not found:
        raise no_such(
            f'It is not clear which column of "{columns.source}" holds the label.',
            f"Columns: {quoted(columns.names, 12)}.",
            call(columns.source, label=left[-1] if left else "label"),
        )
    return {"label": found}


def _named_label(columns: Columns, used: Sequence[str]) -> str:
    lowered = {name.lower(): name for name in columns.names if name not in used}
    return next((lowered[name] for name in LABEL_NAMES if name in lowered), "")


def _texts_named(spec: DataSpec) -> list[str]:
    return [name.strip() for name in spec.text.split(",") if name.strip()]


def _holding(columns: Columns, holds: Callable[[Any], bool]) -> str:
    return next((n for n in columns.names if _share(columns.column(n), holds) > 0.5), "")


def _share(cells: Sequence[Any], holds: Callable[[Any], bool]) -> float:
    some = cells[:_LOOK_AT]
    return sum(holds(cell) for cell in some) / max(len(some), 1)


def _is_list(cell: Any) -> bool:
    return isinstance(cell, list)


def _is_picture(cell: Any) -> bool:
    if isinstance(cell, dict):
        return bool(cell) and set(cell) <= {"bytes", "path"} and not _is_sound(cell)
    return isinstance(cell, bytes) or (isinstance(cell, str) and suffix(cell.strip()) in FORMATS)


def _is_sound(cell: Any) -> bool:
    if isinstance(cell, dict):
        return "array" in cell or suffix(str(cell.get("path") or "")) in SOUNDS
    return isinstance(cell, str) and suffix(cell.strip()) in SOUNDS


def _is_textual(cells: Sequence[Any], name: str) -> bool:
    """Whether most cells are sentences: several words, or letters of a script without spaces."""
    some = [cell for cell in cells[:_LOOK_AT] if not blank(cell)]
    if not some or not all(isinstance(cell, str) for cell in some):
        return False
    if sum(is_number(cell) for cell in some) > len(some) / 2:
        return False
    distinct = len(set(some)) / len(some)
    if name.lower() in TEXT_NAMES[:2]:
        return True
    cut = [cell[:1000] for cell in some]
    words = sum(len(cell.split()) for cell in cut) / len(cut)
    wide = sum(sum(ord(letter) > 0x2E7F for letter in cell) >= 4 for cell in cut) > len(cut) / 2
    return distinct > 0.5 and (words >= _WORDS or wide)
