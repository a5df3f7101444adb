# SPDX-License-Identifier: BSD-3-Clause
"""Which cell an output belongs to, for threads: what they display goes where the run was started.

A kernel puts the output of a thread into whatever runs at that moment, or nowhere. A thread that displays
something new is therefore tied to the cell first; updates by id find their place without it.
"""

from __future__ import annotations

from typing import Any

from lepton_lab import views

_cells: dict[str, Any] = {}


def current() -> Any:
    """The message that the running cell answers; None outside a kernel."""
    read = getattr(views.shell(), "get_parent", None) if views.in_kernel() else None
    return read() if read is not None else None


def remember(run: str, cell: Any) -> None:
    """Keep the cell in which a run is shown."""
    if cell is not None:
        _cells[run] = cell


def tie(run: str) -> None:
    """What this thread displays from now on goes below the card of `run`."""
    shell, cell = views.shell(), _cells.get(run)
    if cell is not None:
        getattr(shell, "set_thread_parent", shell.set_parent)(cell)
