# SPDX-License-Identifier: BSD-3-Clause
"""An artifact that is looked into, not trusted: a folder or a .zip, from which small files are read.

Nothing is unpacked and none of its code is run. Each file that is read must be named in the manifest
with the size and hash that it has; links and names that leave the artifact are refused.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from lepton_lab.errors import StorageError
from lepton_lab.jupyter.places import is_plain_file
from lepton_lab.runtime.errors import BundleError
from lepton_lab.runtime.manifest import MANIFEST, is_safe_name, list_files, read_manifest

LARGEST = 8 << 20
MOST_FILES = 2_000
Reader = Callable[[str], bytes]


class Parcel:
    """An opened artifact.

    Args:
        name: Its name, for messages.
        names: The files in it.
        read: Reads one of them, at most `LARGEST` + 1 bytes.

    Raises:
        StorageError: It is no artifact, or it is damaged.
    """

    def __init__(self, name: str, names: list[str], read: Reader) -> None:
        self.name, self._read = name, read
        if MANIFEST not in names:
            raise damaged(name, f"It has no {MANIFEST}")
        self.manifest = self._read_manifest()
        files = self.manifest["files"]
        for file in files:
            if not is_safe_name(file):
                raise damaged(name, f"Its manifest lists {file!r}, which leaves the artifact")
        lacking = sorted(set(files) - set(names))
        if lacking:
            raise damaged(name, f"{lacking[0]} is missing")
        added = sorted(set(names) - set(files) - {MANIFEST})
        if added:
            raise damaged(name, f"{added[0]} was added after it was written")

    def contents(self, file: str) -> bytes:
        """A file as it was when the artifact was written.

        Raises:
            StorageError: It is not in the artifact, was changed, or is too large to be shown.
        """
        facts = self.manifest["files"].get(file)
        if facts is None:
            raise damaged(self.name, f"It has no {file}")
        data = self._limited(file)
        found = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        if facts != found:
            raise damaged(self.name, f"{file} was changed after it was written")
        return data

    def json(self, file: str) -> dict[str, Any]:
        """The JSON object in a file. Raises StorageError as `contents` does, or when it is none."""
        try:
            value = json.loads(self.contents(file))
        except (ValueError, RecursionError) as error:
            raise damaged(self.name, f"{file} is damaged ({error})") from error
        if not isinstance(value, dict):
            raise damaged(self.name, f"{file} is damaged")
        return value

    def text(self, file: str) -> str:
        """The text of a file. Raises StorageError as `contents` does."""
        return self.contents(file).decode("utf-8", "replace")

    def _limited(self, file: str) -> bytes:
        data = self._read(file)
        if len(data) > LARGEST:
            raise damaged(self.name, f"{file} is too large to be shown")
        return data

    def _read_manifest(self) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="lepton-") as folder:
            (Path(folder) / MANIFEST).write_bytes(self._limited(MANIFEST))
            return read_manifest(folder)


@contextmanager
def opened(path: Path) -> Iterator[Parcel]:
    """The artifact in a folder or a .zip.

    Raises:
        StorageError: It is none, it is damaged, or it holds what no artifact holds.
    """
    try:
        if path.is_dir():
            yield _unzipped(path)
            return
        with zipfile.ZipFile(path) as archive:
            yield _zipped(path, archive)
    except BundleError as error:
        raise damaged(path.name, str(error)) from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise damaged(path.name, f"It cannot be opened ({error})") from error


def damaged(name: str, reason: str) -> StorageError:
    """The error for an artifact that cannot be shown."""
    todo = "Export it again, or copy it again from where it came."
    return StorageError(f"{name} cannot be opened as an artifact.", f"{reason}.", todo)


def _unzipped(folder: Path) -> Parcel:
    # Any folder can be named: one that is no artifact is not walked through.
    if not is_plain_file(folder / MANIFEST):
        raise damaged(folder.name, f"It has no {MANIFEST}")
    names = list(islice(list_files(folder), MOST_FILES + 1))
    if len(names) > MOST_FILES:
        raise damaged(folder.name, f"It has more than {MOST_FILES} files")
    return Parcel(folder.name, names, lambda name: _from_folder(folder, name))


def _from_folder(folder: Path, name: str) -> bytes:
    path = folder.joinpath(*name.split("/"))
    if not is_plain_file(path):
        raise damaged(folder.name, f"{name} is a link or no file")
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def _zipped(path: Path, archive: zipfile.ZipFile) -> Parcel:
    members = [member.filename for member in archive.infolist() if not member.is_dir()]
    if len(members) > MOST_FILES or not all(map(is_safe_name, members)):
        raise damaged(path.name, "It holds too many files, or one that leaves it")
    roots = [name for name in members if name.split("/")[-1] == MANIFEST and name.count("/") < 2]
    if len(roots) != 1 or len(set(members)) < len(members):
        raise damaged(path.name, f"It holds {len(roots)} {MANIFEST} files")
    top = roots[0].removesuffix(MANIFEST)
    names = [name.removeprefix(top) for name in members if name.startswith(top)]

    def read(name: str) -> bytes:
        with archive.open(top + name) as file:
            return file.read(LARGEST + 1)

    return Parcel(path.name, names, read)
