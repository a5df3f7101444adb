# SPDX-License-Identifier: BSD-3-Clause
"""The exact versions that an artifact was proven with here, for the image that serves it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

SERVER = ("starlette>=1.0", "uvicorn>=0.40", "httptools>=0.6", "python-multipart>=0.0.27")


def pinned(lines: Iterable[str]) -> list[str]:
    """Requirements with all that they require in turn, each at the installed version.

    Args:
        lines: As in a requirements file. What is not installed here keeps its own bounds.

    >>> [line.partition("==")[0] for line in pinned(["uvicorn"])]
    ['click', 'h11', 'uvicorn']
    """
    found: dict[str, str] = {}
    left = [Requirement(line) for line in lines]
    while left:
        wanted = left.pop()
        name = canonicalize_name(wanted.name)
        if name in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            found[name] = str(wanted)
            continue
        found[name] = f"{name}=={Version(installed.version).public}"
        left += [Requirement(line) for line in installed.requires or ()]
    return [found[name] for name in sorted(found)]
