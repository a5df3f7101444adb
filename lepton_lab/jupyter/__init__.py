# SPDX-License-Identifier: BSD-3-Clause
"""The Jupyter Server extension: runs, models, data and artifacts for the page, while kernels are busy.

It reads files and leaves orders in the folders of runs; it trains nothing, and no framework is ever
loaded in the server's process. Each group of routes is one file with a table `ROUTES`.
"""

from __future__ import annotations

from typing import Any

MODULE = "lepton_lab.jupyter"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Where Jupyter Server finds the extension."""
    return [{"module": MODULE, "name": MODULE}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Add the routes to a Jupyter Server that starts."""
    from lepton_lab.jupyter.routes import add

    add(server)
