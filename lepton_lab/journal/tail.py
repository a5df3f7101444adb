# SPDX-License-Identifier: BSD-3-Clause
"""A journal read on from where one stopped, while another process writes it."""

from __future__ import annotations

from pathlib import Path

from lepton_lab.events import Event, from_line


class Tail:
    """The events of a journal as they come.

    Args:
        path: The journal; it need not be there yet.
        offset: Byte to start at, the beginning of a line.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path, self.offset = path, offset

    def read(self) -> list[Event]:
        """The events of the whole lines that were added since the last call; a torn line waits for its end."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self.offset += len(whole)
        events = []
        for line in whole.decode("utf-8", "replace").split("\n")[:-1]:
            try:
                events.append(from_line(line))
            except ValueError:
                continue
        return events
