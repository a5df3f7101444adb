# SPDX-License-Identifier: BSD-3-Clause
"""Where a run is watched: a live card in a notebook, a picture, a line in a terminal, or nowhere.

A view is opened on the thread that starts the run, then takes the events of that run by call, and
is closed by whichever thread ends it. It must return from every call at once. Which one fits is
told from the environment; `LEPTON_DISPLAY` overrules everything, so that a script or a CI job can
be made silent.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from lepton_lab.errors import NotFoundError, did_you_mean
from lepton_lab.events import Event
from lepton_lab.registry import Registry


class Watcher(Protocol):
    """Something that follows one run."""

    def __call__(self, event: Event) -> None:
        """Take an event; returns at once."""

    def close(self) -> None:
        """Show the last state and let go. May be called more than once, and from any thread."""


@dataclass(frozen=True)
class View:
    """A way to watch a run.

    Attributes:
        name: What `choose` and `LEPTON_DISPLAY` call it.
        description: One line.
        available: Whether it can be shown here.
        open: Shows the empty view and returns what takes the events. It may be told the run's folder,
            by which a page that is loaded again finds the run.
    """

    name: str
    description: str
    available: Callable[[], bool]
    open: Callable[..., Watcher]


views: Registry[View] = Registry("view", "LEPTON_DISPLAY=text")
VARIABLE = "LEPTON_DISPLAY"
_ALIASES = {"plain": "text", "none": "silent"}


def choose(name: str = "auto") -> View:
    """The view called `name`, or with "auto" the first one that this place can show.

    Args:
        name: A name in `views`, or "auto". The environment variable `LEPTON_DISPLAY` overrules it.

    Raises:
        NotFoundError: There is no such view.

    >>> choose("silent").name
    'silent'
    """
    asked = os.environ.get(VARIABLE, "").strip() or name
    asked = _ALIASES.get(asked, asked)
    if asked == "auto":
        return next(view for view in views if view.available())
    if asked not in views:
        where = f" ({VARIABLE} asks for it)" if os.environ.get(VARIABLE, "").strip() else ""
        known = ", ".join(["auto", *views.names()])
        why = did_you_mean(asked, views.names()) or f"There are: {known}."
        raise NotFoundError(f"No view is called '{asked}'{where}.", why, f"{VARIABLE}=text")
    return views.get(asked)


def in_kernel() -> bool:
    """Whether this code runs in a Jupyter kernel (not merely in IPython)."""
    return getattr(shell(), "kernel", None) is not None


def shell() -> Any:
    """The IPython shell around this code, or None. Does not import IPython."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


class Silent:
    """Watches nothing."""

    def __call__(self, event: Event) -> None:
        """Take an event and forget it."""

    def close(self) -> None:
        """Nothing to let go."""


def _opens(path: str, *, saved: bool = False) -> Callable[..., Watcher]:
    """A function that imports `module:name` when it is first called, and calls it.

    Args:
        path: The class that watches.
        saved: What it shows stays in a notebook, so it is told the run's folder.
    """

    def opened(folder: Path | None = None) -> Watcher:
        module, _, name = path.partition(":")
        watcher = getattr(importlib.import_module(module), name)
        return cast(Watcher, watcher(folder) if saved else watcher())

    return opened


def _has_widgets() -> bool:
    return in_kernel() and importlib.util.find_spec("anywidget") is not None


views.register(
    View(
        "widget",
        "live charts in the cell",
        _has_widgets,
        _opens("lepton_lab.widgets.live:LiveCard", saved=True),
    )
)
views.register(
    View(
        "svg",
        "a picture that redraws, without widgets",
        in_kernel,
        _opens("lepton_lab.widgets.svg:LivePicture", saved=True),
    )
)
views.register(
    View(
        "text",
        "one line in a terminal",
        lambda: sys.stdout is not None,
        _opens("lepton_lab.widgets.terminal:TerminalLine"),
    )
)
views.register(View("silent", "nothing is shown", lambda: True, lambda folder=None: Silent()))
