# SPDX-License-Identifier: BSD-3-Clause
"""Where things may lie: below the server's root, and nowhere else.

Paths come as those of Jupyter's contents API: relative to the root, with `/`. What lies behind a link
that leaves the root, in a hidden folder of a server that shows none, or above the root, is not there.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lepton_lab.errors import NotFoundError


class Root:
    """The folder that a server serves.

    Args:
        path: Its path.
        hidden: Whether hidden files may be read.
    """

    def __init__(self, path: Path, *, hidden: bool = False) -> None:
        self.path, self.hidden = Path(os.path.realpath(path.expanduser())), hidden

    def inside(self, name: str) -> Path:
        """The place of a path of the contents API, all links resolved.

        Raises:
            NotFoundError: There is nothing, or it is not below the root.
        """
        parts = [part for part in name.split("/") if part not in ("", ".")]
        bad = any(part == ".." or set(part) & set("\0\\") for part in parts)
        if bad or (not self.hidden and any(part.startswith(".") for part in parts)):
            raise _nothing(name)
        try:
            found = self.path.joinpath(*parts).resolve(strict=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise _nothing(name) from error
        if not found.is_relative_to(self.path):
            raise _nothing(name)
        return found

    def name(self, path: Path) -> str | None:
        """A path as the contents API has it; None when it cannot be read through it."""
        try:
            parts = path.relative_to(self.path).parts
        except ValueError:
            return None
        if not self.hidden and any(part.startswith(".") for part in parts):
            return None
        return "/".join(parts)


def is_plain_file(path: Path) -> bool:
    """Whether there is an ordinary file, not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _nothing(name: str) -> NotFoundError:
    shown = name if len(name) <= 120 else name[:119] + "…"
    return NotFoundError(
        f"There is no '{shown}'.",
        "Only files below the folder that the server shows can be opened.",
        "Look for it in the file browser.",
    )
