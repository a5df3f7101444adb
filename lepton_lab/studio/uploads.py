# SPDX-License-Identifier: BSD-3-Clause
"""Files from the page into a folder beside the notebook, in pieces, within limits.

A file is written when its last piece is there, whole or not at all. Names are relative paths of the
folder that was chosen; one that would leave it is refused. Nothing that is there already is overwritten.
"""

from __future__ import annotations

import re
from pathlib import Path

from lepton_lab import durable
from lepton_lab.errors import LeptonError
from lepton_lab.rendering import size
from lepton_lab.runtime.manifest import is_safe_name

FOLDER = "uploads"
MOST_BYTES = 4 << 30
MOST_FILE = 256 << 20
MOST_FILES = 100_000
PIECE = 1 << 20


class Upload:
    """One folder on its way here.

    Args:
        name: Its name in the page.
        root: Where `uploads/` is made; the current folder.
    """

    def __init__(self, name: str, root: Path | None = None) -> None:
        stem = re.sub(r"[^\w .-]+", "-", name).strip(" .-")[:80] or "folder"
        base = (root or Path()) / FOLDER
        numbers = (stem if i == 1 else f"{stem}-{i}" for i in range(1, 10_000))
        self.folder = next(base / n for n in numbers if not (base / n).exists())
        self.files = self.bytes = 0
        self._name, self._pieces = "", bytearray()

    def take(self, name: str, offset: int, data: bytes, last: bool) -> None:
        """Take a piece of a file.

        Args:
            name: Path of the file within the folder, with "/".
            offset: Where the piece begins.
            data: At most `PIECE` bytes.
            last: Whether it ends the file.

        Raises:
            LeptonError: The name would leave the folder, a limit is reached, or a piece is missing.
            StorageError: The disk is full or cannot be written.
        """
        if offset == 0:
            self._name, self._pieces = name, bytearray()
        self._check(name, offset, data)
        self._pieces += data
        self.bytes += len(data)
        if last:
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            durable.write_bytes(target, bytes(self._pieces))
            self._name, self._pieces = "", bytearray()
            self.files += 1

    def _check(self, name: str, offset: int, data: bytes) -> None:
        problem = ""
        if not is_safe_name(name) or len(name) > 400:
            problem = "Its name would leave the folder."
        elif len(data) > PIECE:
            problem = f"A piece has at most {size(PIECE)}."
        elif offset + len(data) > MOST_FILE:
            problem = f"A file has at most {size(MOST_FILE)}."
        elif self.files >= MOST_FILES or self.bytes + len(data) > MOST_BYTES:
            problem = f"An upload has at most {MOST_FILES} files and {size(MOST_BYTES)}."
        elif name != self._name or offset != len(self._pieces):
            problem = "A piece of it is missing."
        if problem:
            raise LeptonError(
                f"'{name[:80]}' was not taken.", problem, "Copy the folder beside the notebook."
            )
