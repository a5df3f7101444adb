# SPDX-License-Identifier: BSD-3-Clause
"""What flows through a data set: records from a source, findings about them, samples of a split.

A source (a folder, a table, arrays) yields `Record`s: an id, something that holds the content, a
label as text and perhaps a split. What it met on the way and left out, it tells as `Finding`s;
nothing is skipped in silence. After the vocabulary and the split are fixed, a record becomes a
`Sample`, whose label is an index into the classes, or whatever the kind of label makes of it. None of
these knows what the content is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lepton_lab.errors import DataError
from lepton_lab.rendering import visible
from lepton_lab.spec import DataSpec

SPLITS = ("train", "val", "test")
Severity = Literal["error", "warning", "info"]
SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Record:
    """One labeled thing as a source found it.

    Attributes:
        id: Its name inside the data set, unique: a relative path, a row number.
        payload: What holds the content: a path, bytes, a picture, an array.
        label: The class as text, or whatever the data set's labels are; None where there is none.
        split: "train", "val" or "test" where the source says so, else None.
        group: Samples of one group stay on one side of the split; "" stands alone.
    """

    id: str
    payload: Any
    label: Any
    split: str | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a split; `label` is an index into the classes (or what other labels are), or None."""

    id: str
    payload: Any
    label: Any


@dataclass(frozen=True)
class Finding:
    """Something worth knowing about the data, and what is done about it.

    Attributes:
        code: Its name, as in `audit["truncated"]`.
        severity: "error": samples were lost; "warning": results may suffer; "info": it was handled.
        count: How many samples, files or classes it concerns.
        what: One sentence: what was found.
        done: One sentence: what is done about it.
        ids: The samples concerned.
        details: One remark per id, or nothing.
        pairs: For findings about two samples each: their ids.
    """

    code: str
    severity: Severity
    count: int
    what: str
    done: str = ""
    ids: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()

    def examples(self, most: int = 3) -> str:
        """The first ids with their remarks, fit for a line of text."""
        if self.pairs:
            said = [f"{a} = {b}" for a, b in self.pairs[:most]]
        elif self.details:
            said = [f"{i} ({d})" for i, d in zip(self.ids[:most], self.details, strict=False)]
        else:
            said = list(self.ids[:most])
        more = len(self.pairs or self.ids) > most
        return visible(", ".join(said)) + (", …" if more else "")

    @property
    def mark(self) -> str:
        """A sign for the severity that does not need color."""
        return {"error": "✗", "warning": "!", "info": "·"}[self.severity]

    def __str__(self) -> str:
        examples = self.examples()
        return visible(
            " ".join(filter(None, (self.what, self.done, f"[{examples}]" if examples else "")))
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


@dataclass(frozen=True)
class Reading:
    """All that a source has to say.

    Attributes:
        records: What it found, in any order.
        name: A short name for the data set.
        findings: What it left out or decided.
        classes: The order of the classes where the source fixes one.
        flip_safe: False where a mirrored sample may change its class (digits, letters).
        content: What a sample is: the name of a registered content.
        labels: What its label is: the name of a registered kind of label.
        task: What the data is for.
        columns: Role -> column of a table, as far as there is one ("text": "review").
        licence: Of the data, where the source knows it.
    """

    records: Sequence[Record]
    name: str = ""
    findings: tuple[Finding, ...] = ()
    classes: tuple[str, ...] | None = None
    flip_safe: bool = True
    content: str = "image"
    labels: str = "class"
    task: str = "image-classification"
    columns: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""

    @classmethod
    def of(cls, result: Reading | Iterable[Record], name: str = "") -> Reading:
        """A reading, also of a source that simply yields records."""
        return result if isinstance(result, Reading) else cls(list(result), name)


@dataclass(frozen=True)
class Source:
    """A kind of place where data come from, as the registry keeps it.

    Attributes:
        name: As written in messages.
        description: One line.
        recognizes: Whether this source reads the object; cheap, and must not raise.
        read: The records of the object.
    """

    name: str
    description: str
    recognizes: Callable[[Any], bool]
    read: Callable[[Any, DataSpec], Reading | Iterable[Record]]


def number(count: int) -> str:
    """A count with thin groups.

    >>> number(2403)
    '2 403'
    """
    return (
        f"{count:,}".replace(",", "\N{NO-BREAK SPACE}")
        if count >= 10_000
        else f"{count:,}".replace(",", " ")
    )


def plural(count: int, noun: str, nouns: str = "") -> str:
    """A count and its noun.

    >>> plural(1, "file"), plural(3, "class", "classes")
    ('1 file', '3 classes')
    """
    return f"{number(count)} {noun if count == 1 else nouns or noun + 's'}"


def are(count: int) -> str:
    """The verb that fits a count."""
    return "is" if count == 1 else "are"


def call(path: Any, **options: Any) -> str:
    """The line to type that reads `path` with some options.

    >>> call("pets", label="labels.csv:species")
    "lab.data('pets', label='labels.csv:species')"
    """
    said = "".join(f", {name}={value!r}" for name, value in options.items())
    return f"lab.data({str(path)!r}{said})"


def quoted(names: Iterable[str], most: int = 5) -> str:
    """Names in quotation marks for a message, the first few of many.

    >>> quoted(["cat", "dog"])
    '"cat", "dog"'
    """
    names = [visible(str(name)) for name in names]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f'"{name}"' for name in names[:most]) + more


def no_such(what: str, why: str, todo: str) -> DataError:
    """A DataError whose lines are safe to print whatever names they contain."""
    return DataError(visible(what), visible(why), visible(todo))
