# SPDX-License-Identifier: BSD-3-Clause
"""A run in a terminal: one line that rewrites itself, or one line per epoch in a log.

On a terminal the line is redrawn with a carriage return, a few times a second, and cut to the width
of the window. Where the output goes to a file or a pipe there is one line per evaluation, without
any control code.
"""

from __future__ import annotations

import shutil
import sys
from collections import deque
from typing import TextIO

from lepton_lab.charts import words
from lepton_lab.events import Alert, Evaluated, Event, RunStarted
from lepton_lab.rendering import visible
from lepton_lab.widgets.follower import Follower

INTERVAL = 0.25


class TerminalLine(Follower):
    """Writes a run to the stream that was standard output when it was opened.

    Args:
        stream: Where to write; standard output when left out.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = sys.stdout if stream is None else stream
        self._live = self._stream.isatty()
        self._lines: deque[str] = deque()
        self._width = 0
        self._version = -1
        self._follow()

    def __call__(self, event: Event) -> None:
        """Take an event; the line follows within a quarter of a second."""
        if isinstance(event, Alert):
            self._lines.append(f"{event.level} at step {event.step}: {visible(event.message)}")
        elif not self._live and isinstance(event, (RunStarted, Evaluated)):
            self._lines.append(_log_line(event))
        super().__call__(event)

    def _tick(self) -> float:
        self._write_lines()
        if self._live and self._version != self.history.version:
            self._version = self.history.version
            self._rewrite(words.line(self.history.snapshot()))
        return INTERVAL

    def _finish(self) -> None:
        self._write_lines()
        last = words.line(self.history.snapshot())
        if self._live:
            self._rewrite(last)
            self._write("\n")
        else:
            self._write(last + "\n")

    def _write_lines(self) -> None:
        while self._lines:
            line = self._lines.popleft()
            if self._live:
                self._rewrite(line)
            self._write("\n" if self._live else line + "\n")

    def _rewrite(self, line: str) -> None:
        """Write over the line before, blanks over what was longer."""
        room = shutil.get_terminal_size().columns - 1
        short = line if len(line) <= room else line[: room - 1] + "…"
        self._write("\r" + short.ljust(min(self._width, room)))
        self._width = len(short)

    def _write(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


def _log_line(event: RunStarted | Evaluated) -> str:
    if isinstance(event, RunStarted):
        what = f"{visible(event.model)} on {visible(event.data)}"
        return f"{visible(event.run)}: {what}, {event.epochs} epochs"
    values = " · ".join(
        f"{visible(name)} {words.number(value)}" for name, value in event.values.items()
    )
    return f"epoch {event.epoch} · step {event.step} · {visible(event.split)} {values}" + (
        " ▲" if event.best else ""
    )
