# SPDX-License-Identifier: BSD-3-Clause
"""Files that a run's model needs beside its weights, such as a tokenizer: kept in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lepton_lab import durable

FOLDER = "assets"


def save(run: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a model into its run's folder.

    Raises:
        StorageError: The disk refuses.
    """
    for name, data in files.items():
        place = run / FOLDER / name
        place.parent.mkdir(parents=True, exist_ok=True)
        durable.write_bytes(place, data)


def load(run: Path) -> dict[str, bytes]:
    """The files that `save` wrote, by name."""
    root = run / FOLDER
    found = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else []
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}
