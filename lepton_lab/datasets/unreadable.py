# SPDX-License-Identifier: BSD-3-Clause
"""Images that cannot be read: left out and named, or a reason to stop, as the user says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from lepton_lab.datasets.checking import Check
from lepton_lab.datasets.records import Finding, Record, are, call, no_such, number, plural
from lepton_lab.errors import DataError

# The code of a check -> the code of the finding and what to call such files.
WORDS = {
    "empty": ("zero-byte", "empty file"),
    "truncated": ("truncated", "cut short or damaged"),
    "not-an-image": ("not-an-image", "no image"),
    "not-a-sound": ("not-a-sound", "no sound"),
    "zero-length": ("zero-length", "without a single sample"),
    "not-finite": ("not-finite", "spoilt by values that are no numbers"),
    "too-large": ("too-large", "too large to decode safely"),
    "unsupported": ("unsupported", "of a kind that is not read"),
    "missing": ("missing", "not there"),
    "unreadable": ("unreadable", "not readable"),
    "no-text": ("empty-text", "empty or blank"),
}


def leave_out(
    source: Any,
    records: list[Record],
    checks: Mapping[str, Check],
    clean: str,
    problems: list[Finding],
    nouns: tuple[str, str] = ("image", "images"),
) -> list[Record]:
    """The readable records; the others become findings, one per kind of damage.

    Args:
        source: What was loaded, for the message.
        records: All labeled records.
        checks: By id.
        clean: "skip" or "stop".
        problems: Findings are added here.
        nouns: What one sample is called, and what several are.

    Raises:
        DataError: Nothing is readable, or something is not and `clean` is "stop".
    """
    bad = [r for r in records if checks[r.id].code]
    if records and len(bad) == len(records):
        raise no_such(
            f"None of the {plural(len(bad), *nouns)} in {_named(source)} can be read.",
            _examples(bad, checks),
            "Look at one of them with another program, or copy the files again.",
        )
    if bad and clean == "stop":
        raise _stopped(source, bad, records, checks)
    problems += _findings(bad, checks, ("file", "files") if nouns[0] == "image" else nouns)
    return [r for r in records if not checks[r.id].code]


def summary(
    problems: list[Finding], total: int, nouns: tuple[str, str] = ("file", "files")
) -> str:
    """One line over all kinds of damage, or an empty string."""
    codes = {code for code, _ in WORDS.values()}
    count = sum(f.count for f in problems if f.code in codes)
    if not count:
        return ""
    of = f"{number(count)} of {plural(total, *nouns)} cannot be read and "
    return of + ("was left out." if count == 1 else "were left out.")


def _findings(
    bad: list[Record], checks: Mapping[str, Check], nouns: tuple[str, str]
) -> list[Finding]:
    kinds: dict[str, list[Record]] = defaultdict(list)
    for record in bad:
        kinds[checks[record.id].code].append(record)
    findings = []
    for kind, records in kinds.items():
        code, words = WORDS.get(kind, (kind, "not readable"))
        count = len(records)
        if kind == "empty":
            what = f"{plural(count, 'file')} {are(count)} empty (0 bytes)."
        else:
            what = f"{plural(count, *nouns)} {are(count)} {words}."
        ids = tuple(r.id for r in records)
        details = tuple(checks[r.id].reason for r in records)
        findings.append(
            Finding(
                code,
                "error",
                count,
                what,
                'Left out; clean="stop" stops on them instead.',
                ids,
                details,
            )
        )
    return findings


def _stopped(
    source: Any, bad: list[Record], records: list[Record], checks: Mapping[str, Check]
) -> DataError:
    return no_such(
        f"{number(len(bad))} of {plural(len(records), 'file')} cannot be read"
        ', and clean="stop" was asked for.',
        _examples(bad, checks),
        "Leave such files out instead: "
        + (call(source, clean="skip") if isinstance(source, str) else 'clean="skip"'),
    )


def _examples(bad: list[Record], checks: Mapping[str, Check]) -> str:
    said = ", ".join(f"{r.id} ({checks[r.id].reason})" for r in bad[:3])
    return said + (f" and {number(len(bad) - 3)} more." if len(bad) > 3 else ".")


def _named(source: Any) -> str:
    return (
        f'"{source}"' if isinstance(source, str) or hasattr(source, "__fspath__") else "these data"
    )
