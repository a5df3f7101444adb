# SPDX-License-Identifier: BSD-3-Clause
"""The manifest of an artifact, and the check that the artifact is still what was written.

`manifest.json` lists every file with its size and SHA-256. Before anything in an artifact is used,
each file must be there, unchanged, a plain file, and nothing may have been added: a damaged
download or a swapped label list would otherwise only show as wrong answers.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from .errors import BundleError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
_REQUIRED = ("format_version", "task", "labels", "input", "output", "preprocessing", "files")
# Python itself writes there when the runtime runs inside the artifact.
_BYTECODE = ("lepton_runtime/__pycache__", "lepton_runtime/server/__pycache__")
_CHUNK = 1 << 20


def read_manifest(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest of an artifact's folder.

    Raises:
        BundleError: There is none, it is damaged, or a newer version wrote it.
    """
    path = Path(folder) / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BundleError(f"{folder} is no artifact: it has no {MANIFEST}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"cannot be read ({error})", MANIFEST) from error
    lacking = [key for key in _REQUIRED if not isinstance(manifest, dict) or key not in manifest]
    if lacking:
        raise BundleError(f"lacks {', '.join(lacking)}", MANIFEST)
    if not isinstance(manifest["files"], dict):
        raise BundleError("its list of files is damaged", MANIFEST)
    if manifest["format_version"] != FORMAT_VERSION:
        found = f"format version {manifest['format_version']}; this runtime reads {FORMAT_VERSION}"
        raise BundleError(found, MANIFEST)
    return manifest


def check_files(folder: str | os.PathLike[str], manifest: dict[str, Any]) -> int:
    """Compare every file of an artifact with its manifest; returns how many were checked.

    Raises:
        BundleError: Names the first file that is missing, changed, added or no plain file.
    """
    root, listed = Path(folder), manifest["files"]
    for name in listed:
        if not is_safe_name(name):
            raise BundleError(f"lists {name!r}, which leaves the artifact", MANIFEST)
    found = set(list_files(root))
    for name in sorted(set(listed) - found):
        raise BundleError("is missing", name)
    for name in sorted(found - set(listed) - {MANIFEST}):
        raise BundleError("was added after the artifact was written", name)
    for name, facts in listed.items():
        if describe_file(root / name) != facts:
            raise BundleError("was changed after the artifact was written", name)
    return len(listed)


def describe_file(path: Path) -> dict[str, Any]:
    """Size in bytes and SHA-256 of a file, as the manifest holds them."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return {"size": path.stat().st_size, "sha256": digest.hexdigest()}


def list_files(root: Path) -> Iterator[str]:
    """The files below `root`, as names with forward slashes. Raises BundleError on a link."""
    for folder, folders, names in os.walk(root):
        inside = Path(folder).relative_to(root)
        for name in [*folders, *names]:
            path = Path(folder) / name
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise BundleError("is a link or a device", (inside / name).as_posix())
        folders[:] = sorted(n for n in folders if (inside / n).as_posix() not in _BYTECODE)
        yield from ((inside / name).as_posix() for name in sorted(names))


def is_safe_name(name: str) -> bool:
    r"""Whether a relative name stays inside the folder on every system.

    >>> [is_safe_name(n) for n in ("golden/0.jpg", "../x", "/etc/x", "a/../b", "c:x", "a\\b", "")]
    [True, False, False, False, False, False, False]
    """
    parts = PurePosixPath(name).parts
    return (
        bool(parts)
        and name == "/".join(parts)
        and not (set(parts) & {"..", "/"})
        and not (set(name) & set("\\:\0"))
    )
