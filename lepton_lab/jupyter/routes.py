# SPDX-License-Identifier: BSD-3-Clause
"""All routes of the server extension: to add a group, write a file and name it here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.utils import url_path_join

from lepton_lab.jupyter import artifact, assets, catalog, compare, datasets, runs, status
from lepton_lab.jupyter.handler import PREFIX, SETTING, Route
from lepton_lab.jupyter.project import Project

GROUPS = (catalog, runs, compare, datasets, artifact, status, assets)
ROUTES: tuple[Route, ...] = tuple(route for group in GROUPS for route in group.ROUTES)


def add(server: Any) -> None:
    """Put the routes under the base URL of a `ServerApp`."""
    app = server.web_app
    project = Project(Path(server.root_dir), hidden=server.contents_manager.allow_hidden)
    app.settings[SETTING] = project
    base = app.settings["base_url"]
    app.add_handlers(
        ".*$", [(url_path_join(base, PREFIX, route.path), route.handler) for route in ROUTES]
    )
    server.log.info("Lepton Lab answers under %s", url_path_join(base, PREFIX))
