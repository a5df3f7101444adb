# SPDX-License-Identifier: BSD-3-Clause
"""Which class a value of a mask means: from a file of classes, or from the values that occur.

classes.txt       one name per line, the first for 0; or "7 road" on each line
classes.json      ["sky", "road"], {"0": "sky"}, {"sky": 0} or {"road": [128, 64, 128]}
class_dict.csv    name,r,g,b
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lepton_lab.datasets.labels.mask import IGNORE, MOST_CLASSES
from lepton_lab.datasets.mask_files import COLOR, color_value, value_name
from lepton_lab.datasets.records import Finding, no_such, plural, quoted

FILES = (
    "classes.txt", "labels.txt", "codes.txt", "class_names.txt", "classes.json", "labels.json",
    "id2label.json", "class_dict.csv", "classes.csv",
)  # fmt: skip
_NUMBERED = re.compile(r"\s*(\d+)\s*[\s:,;=]\s*(\S.*?)\s*$")
_HINT = 'Write classes.txt (one name per line, the first for 0) or classes.json ({"road": 1}).'


@dataclass(frozen=True)
class Classes:
    """The classes of masks.

    Attributes:
        names: In the order of their values.
        values: Value in a mask -> index into `names`.
        findings: What was decided.
    """

    names: tuple[str, ...]
    values: Mapping[int, int]
    findings: tuple[Finding, ...] = ()


def find_file(folders: Collection[Path]) -> Path | None:
    """The file of classes in the first of the folders that has one."""
    places = (folder / name for folder in folders for name in FILES)
    return next((path for path in places if path.is_file()), None)


def classes_of(values: Collection[int], file: Path | None, subject: str = "object") -> Classes:
    """The classes for the values that occur in the masks of a data set.

    Args:
        values: All that occur.
        file: The file of classes, or None.
        subject: What to call the one thing that black-and-white masks show.

    Raises:
        DataError: The file is damaged, or there are more classes than a mask can hold.
    """
    listed = read_file(file) if file is not None else {}
    if file is not None and not _is_black_and_white(values, listed):
        return _from_file(listed, values)
    if file is not None:
        *before, subject = listed.values()
        return Classes((before[0] if before else "background", subject), {0: 0, max(values): 1})
    ones = _unified(values) - {IGNORE}
    if len(_unified(values)) == 2 and 0 in values and max(values) in (1, IGNORE):
        what = f"All masks are black and white (0 and {max(values)})."
        done = f'0 was read as "background", {max(values)} as "{subject}".'
        told = Finding("binary-masks", "info", 2, what, done)
        return Classes(("background", subject), {0: 0, max(values): 1}, (told,))
    if len(ones) > MOST_CLASSES:
        raise no_such(
            f"The masks have {len(ones)} different values; a mask holds {MOST_CLASSES} classes at most.",
            "Values in between come from resized or lossy masks, or from one number per object.",
            _HINT,
        )
    ordered = sorted(ones)
    names = tuple(value_name(v) if v >= COLOR else f"class {v}" for v in ordered)
    what = f"There is no file of classes; the masks have the values {quoted(map(value_name, ordered))}."
    told = Finding("unnamed-classes", "info", len(ordered), what, _HINT)
    return Classes(names, _both({v: i for i, v in enumerate(ordered)}), (told,))


def read_file(path: Path) -> dict[int, str]:
    """Value -> name of a file of classes, in the order of the values. Raises DataError when it is damaged."""
    try:
        data = path.read_bytes()
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        suffix = path.suffix.lower()
        found = (
            _from_json(json.loads(text))
            if suffix == ".json"
            else _from_table(text)
            if suffix == ".csv"
            else _from_lines(text)
        )
    except (OSError, UnicodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise no_such(
            f"The classes in {path.name} cannot be read.", str(error)[:160], _HINT
        ) from error
    twice = [name for name in found.values() if list(found.values()).count(name) > 1]
    if twice or not found:
        why = f"The class {quoted(twice[:1])} is in it twice." if twice else "It names no class."
        raise no_such(f"The classes in {path.name} cannot be used.", why, _HINT)
    return dict(sorted(found.items()))


def _from_lines(text: str) -> dict[int, str]:
    lines = [line.strip() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    numbered = [_NUMBERED.match(line) for line in lines]
    if lines and all(numbered):
        return {int(match[1]): match[2] for match in numbered if match}
    return {i: line or f"class {i}" for i, line in enumerate(lines)}


def _from_json(found: Any) -> dict[int, str]:
    if isinstance(found, dict) and isinstance(found.get("id2label"), dict):
        found = found["id2label"]
    if isinstance(found, list):
        return {i: str(name) for i, name in enumerate(found)}
    if all(str(key).isdigit() for key in found):
        return {int(key): str(name) for key, name in found.items()}
    return {_value(value): str(name) for name, value in found.items()}


def _from_table(text: str) -> dict[int, str]:
    rows = [
        {k.strip().lower(): v for k, v in row.items()} for row in csv.DictReader(text.splitlines())
    ]
    return {_value([int(row[k]) for k in "rgb"]): row["name"].strip() for row in rows}


def _value(value: Any) -> int:
    if isinstance(value, list):
        red, green, blue = (int(part) for part in value)
        return color_value(red, green, blue)
    return int(value)


def _from_file(listed: Mapping[int, str], values: Collection[int]) -> Classes:
    kept = {v: name for v, name in listed.items() if v != IGNORE}
    if len(kept) > MOST_CLASSES:
        raise no_such(
            f"There are {len(kept)} classes; a mask holds {MOST_CLASSES} at most.", "", _HINT
        )
    table = _both({v: i for i, v in enumerate(kept)})
    unknown = sorted(set(values) - set(table) - {IGNORE})
    found: tuple[Finding, ...] = ()
    if unknown:
        what = plural(len(unknown), "value in the masks is", "values in the masks are")
        what += f" in no line of the classes: {quoted(map(value_name, unknown))}."
        done = "Their pixels are of no class: left out of training and metrics."
        found = (Finding("unknown-values", "error", len(unknown), what, done),)
    return Classes(tuple(kept.values()), table, found)


def _is_black_and_white(values: Collection[int], listed: Mapping[int, str]) -> bool:
    """Whether 255 is not "ignore" but the one thing that the masks show."""
    return set(values) == {0, IGNORE} and list(listed) in ([0], [1], [0, 1])


def _unified(values: Collection[int]) -> set[int]:
    """With colors among them, grey values are colors too: a black mask of a colored set."""
    if any(value >= COLOR for value in values):
        return {v if v >= COLOR else color_value(v, v, v) for v in values if v >= COLOR or v < 256}
    return set(values)


def _both(table: Mapping[int, int]) -> dict[int, int]:
    """Grey colors also as grey values, as a file without any color in it has them."""
    found = dict(table)
    for value, index in table.items():
        red, green, blue = value >> 16 & 255, value >> 8 & 255, value & 255
        if value >= COLOR and red == green == blue:
            found.setdefault(red, index)
    return found
