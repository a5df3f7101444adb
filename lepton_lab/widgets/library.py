# SPDX-License-Identifier: BSD-3-Clause
"""How Plotly.js reaches the page: once, and not with every chart.

JupyterLab and Notebook 7 have it already: the plotly package installs its renderer for them, and
the card takes the library from there, over HTTP and from the browser's cache; where that renderer is
missing, our own extension knows its address on the server. Elsewhere the kernel
sends it once, compressed, right behind the first card, because a page cannot ask a kernel whose
main thread waits for the training. Whoever still lacks it (after a reload) asks, and is answered
when the kernel is free.
"""

from __future__ import annotations

import functools
import gzip
import os
import sys
from pathlib import Path
from typing import Any

BRINGERS = ("jupyterlab-plotly", "lepton-lab")
_sent = False


def provide(widget: Any) -> bool:
    """Send Plotly.js to the page behind `widget`, unless the server or an earlier card did.

    Returns:
        Whether it was sent just now.
    """
    global _sent
    widget.on_msg(_answer)
    if _sent or served_with_lab():
        return False
    _sent = True
    _send(widget)
    return True


def served_with_lab() -> bool:
    """Whether the server that started this kernel runs in this very environment, with plotly's
    renderer or our extension.

    In doubt the answer is no: sending once too often costs a megabyte, not sending leaves charts
    empty.
    """
    parent = os.environ.get("JPY_PARENT_PID", "")
    if not parent.isdigit() or not _installed():
        return False
    import psutil

    try:
        command = psutil.Process(int(parent)).cmdline()
    except psutil.Error:
        return False
    return bool(command) and Path(command[0]).parent == Path(sys.executable).parent


@functools.cache
def compressed() -> bytes:
    """plotly.min.js of the installed plotly package, as gzip (about 1.5 MB)."""
    import plotly

    return gzip.compress(
        (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes(), 6
    )


def _installed() -> bool:
    from jupyter_core.paths import jupyter_path

    return any(
        (Path(path) / name).is_dir() for path in jupyter_path("labextensions") for name in BRINGERS
    )


def _answer(widget: Any, content: Any, buffers: Any) -> None:
    if isinstance(content, dict) and content.get("kind") == "need-plotly":
        _send(widget)


def _send(widget: Any) -> None:
    widget.send({"kind": "plotly"}, buffers=[compressed()])
