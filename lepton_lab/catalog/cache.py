# SPDX-License-Identifier: BSD-3-Clause
"""Which weights of the hub are already on this machine, read off the cache folder itself.

The layout is the hub client's own: `models--ORG--NAME/refs/main` holds a revision, `snapshots/REVISION/`
the files. Reading it here costs a directory listing; importing the client would cost a second.
"""

from __future__ import annotations

import os
from pathlib import Path

_PREFIX = "models--"


def hub_folder() -> Path:
    """The hub's cache folder, as its client resolves it from the environment."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(variable):
            return Path(os.environ[variable]).expanduser()
    if os.environ.get("HF_HOME"):
        return Path(os.environ["HF_HOME"]).expanduser() / "hub"
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "huggingface" / "hub"


def snapshot(repository: str) -> Path | None:
    """The folder with the cached files of `ORG/NAME`, or None."""
    if not repository:
        return None
    folder = hub_folder() / (_PREFIX + repository.replace("/", "--"))
    try:
        snapshots = list((folder / "snapshots").iterdir())
        main = folder / "refs" / "main"
        revision = main.read_text("utf-8").strip() if main.is_file() else ""
    except (OSError, ValueError):
        return None
    named = [path for path in snapshots if path.name == revision]
    # A copied cache may lack the reference; a lone snapshot is what it would name.
    return named[0] if named else snapshots[0] if len(snapshots) == 1 else None


def cached_file(repository: str, filename: str) -> Path | None:
    """A file of a cached repository, or None."""
    folder = snapshot(repository)
    path = folder / filename if folder else None
    return path if path is not None and path.is_file() else None


def is_cached(repository: str) -> bool:
    """Whether weights of `ORG/NAME` that this package loads are on this machine."""
    folder = snapshot(repository)
    return folder is not None and any(path.exists() for path in folder.glob("*.safetensors"))


def cached_repositories() -> list[str]:
    """All repositories with loadable weights in the cache, by name."""
    try:
        names = sorted(entry.name for entry in os.scandir(hub_folder()) if entry.name.startswith(_PREFIX))
    except OSError:
        return []
    found = [name.removeprefix(_PREFIX).replace("--", "/") for name in names]
    return [repository for repository in found if is_cached(repository)]
