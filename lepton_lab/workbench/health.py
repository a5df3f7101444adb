# SPDX-License-Identifier: BSD-3-Clause
"""`lab.doctor()`: is everything here that training needs; and the last error in full.

A check is one small function that looks at one thing and says what it found and, where something
is wrong, what to do. None changes anything, none waits for longer than a second, and a check that
fails itself is a row of the report and not an error. Secrets are never part of a report.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lepton_lab.errors import LeptonError
from lepton_lab.rendering import TEXT_LINES, Table, bundle, escape, visible

OK, WARNING, PROBLEM = "✓", "!", "✗"
_LAST: list[str] = []
_SECRET_NAMES = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_?KEY", re.IGNORECASE
)
_SECRETS = (
    (re.compile(r"\bhf_[A-Za-z0-9]{8,}"), "hf_[removed]"),
    (re.compile(r"(://)[^/\s:@'\"]+:[^/\s@'\"]+@"), r"\1[removed]@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 [removed]"),
    (
        re.compile(
            r"(?i)([?&\s\"'](?:token|api_?key|password|secret|signature)[\"']?\s*[=:]\s*[\"']?)[^&\s\"']+"
        ),
        r"\1[removed]",
    ),
)


@dataclass(frozen=True)
class Finding:
    """One row: what was looked at, how it is (✓ ! ✗), what was found, and what to do about it."""

    check: str
    state: str
    found: str
    todo: str = ""


@dataclass(frozen=True)
class Report:
    """What `doctor` found, problems first; `last` is the last error when it was asked for."""

    findings: tuple[Finding, ...]
    last: str = ""

    @property
    def problems(self) -> list[Finding]:
        """The findings that need something done."""
        return [finding for finding in self.findings if finding.state != OK]

    def text(self) -> str:
        """Plain text of at most twelve lines; the last error in full where it was asked for."""
        if self.last:
            return self.last
        lines = [self._title()]
        lines += [f"{f.state} {f.check:<10} {_short(f)}" for f in self.findings[: TEXT_LINES - 1]]
        return "\n".join(lines)

    def _title(self) -> str:
        count = len(self.problems)
        return (
            f"{count} thing{'s' * (count != 1)} to look at" if count else "Everything is in place"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if self.last:
            return bundle(
                self.text(),
                f"<pre>{'<br>'.join(escape(line) for line in self.last.splitlines())}</pre>",
            )
        rows = [(f.check, f.state, f.found, f.todo) for f in self.findings]
        return bundle(
            self.text(), Table(("check", "", "found", "what to do"), rows, self._title()).html()
        )


def doctor(last: bool = False) -> Report:
    """Examine this computer, or show the last error.

    Args:
        last: Show the last error of a verb or of a public function with its whole traceback and its
            cause, secrets removed, instead of the checks.
    """
    if last:
        return Report((), last_error())
    from lepton_lab.workbench.checks import CHECKS

    order = (PROBLEM, WARNING, OK)
    findings = [_safely(name, check) for name, check in CHECKS.items()]
    return Report(tuple(sorted(findings, key=lambda finding: order.index(finding.state))))


def remember(error: BaseException) -> None:
    """Keep an error for `doctor(last=True)`: its text, since frames keep tensors alive."""
    _LAST[:] = [_in_full(error)]


def last_error() -> str:
    """The last error with traceback and causes, secrets removed; a sentence when there was none."""
    shown = getattr(sys, "last_value", None)
    if isinstance(shown, LeptonError):
        return scrub(_in_full(shown))
    return scrub(_LAST[0]) if _LAST else "There was no error yet."


def scrub(text: str) -> str:
    """`text` without what looks like a token or password, and without values of secret variables.

    >>> scrub("GET https://me:pass@host/x?token=abc Authorization: Bearer 123456789")
    'GET https://[removed]@host/x?token=[removed] Authorization: Bearer [removed]'
    """
    for name, value in os.environ.items():
        if _SECRET_NAMES.search(name) and len(value) >= 6:
            text = text.replace(value, "[removed]")
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _in_full(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()


def _safely(name: str, check: Callable[[], Finding]) -> Finding:
    """A check that breaks is a finding too."""
    try:
        finding = check()
    except Exception as error:
        finding = Finding(name, WARNING, f"could not be examined: {type(error).__name__}: {error}")
    return Finding(name, finding.state, scrub(finding.found), finding.todo)


def _short(finding: Finding) -> str:
    text = visible(finding.found + (f" → {finding.todo}" if finding.todo else ""))
    return text if len(text) <= 150 else text[:149] + "…"
