# SPDX-License-Identifier: BSD-3-Clause
"""A run as one small JSON value, which our renderer draws whole: in a saved notebook, in a tab of its own.

The value holds the picture at final resolution (see `snapshot`) and a few plain words beside it, so that
a reader that cannot draw still knows which run it is. It is versioned by its MIME type: a notebook saved
today opens with the renderers of later years.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from lepton_lab.charts.history import History
from lepton_lab.charts.panels import Points
from lepton_lab.charts.snapshot import encode
from lepton_lab.rendering import visible

MIME = "application/vnd.lepton-lab.run.v1+json"
VERSION = 1


def run_document(history: History, path: str = "") -> dict[str, Any]:
    """The data of `application/vnd.lepton-lab.run.v1+json`.

    Args:
        history: The folded events of the run, live or ended.
        path: The run's folder, relative to the notebook; "" when it is not known.

    Returns:
        `version`, `run` (its name), `path`, `state` and `snapshot`, the base64 of `snapshot.encode`.

    >>> document = run_document(History())
    >>> document["version"], document["state"]
    (1, 'starting')
    """
    view = history.snapshot()
    return {
        "version": VERSION,
        "run": visible(view.about.run),
        "path": path,
        "state": view.state,
        "snapshot": base64.b64encode(encode(view, Points())).decode("ascii"),
    }


def from_notebook(folder: Path | None) -> str:
    """A run's folder relative to where the kernel works, which is where its notebook lies; "" when it is elsewhere."""
    if folder is None or not folder.is_relative_to(Path.cwd()):
        return ""
    return folder.relative_to(Path.cwd()).as_posix()
