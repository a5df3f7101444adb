# SPDX-License-Identifier: BSD-3-Clause
"""An artifact as one .zip, written the same every time and opened with care.

A zip may name files outside its folder, hold links, or unpack to terabytes. Each member is checked
before the first byte is written, and the bytes are counted while they are.
"""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path
from typing import BinaryIO

from lepton_lab import durable
from lepton_lab.errors import StorageError
from lepton_lab.rendering import size
from lepton_lab.runtime.manifest import MANIFEST, is_safe_name, list_files

MAX_FILES = 2_000
MAX_BYTES = 16 << 30
MAX_RATIO = 100
_SMALL = 64 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20


def pack(folder: Path, path: Path) -> Path:
    """Write the files of an artifact into a .zip, under the folder's own name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(list_files(folder)):
            member = zipfile.ZipInfo(f"{folder.name}/{name}", _EPOCH)
            member.external_attr = 0o644 << 16
            archive.writestr(member, (folder / name).read_bytes(), zipfile.ZIP_DEFLATED)
    return durable.write_bytes(path, buffer.getvalue())


def unpack(path: Path, folder: Path) -> Path:
    """Unpack an artifact's .zip into an empty folder; returns the artifact's folder in it.

    Raises:
        StorageError: The archive is damaged, too large, or a member would leave the folder.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            _check(path, members)
            left = MAX_BYTES
            for member in members:
                target = folder / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("xb") as file:
                    left -= _copy(source, file, min(member.file_size, left), path)  # type: ignore[arg-type]
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
        EOFError,
    ) as error:
        raise StorageError(f"{path.name} cannot be unpacked.", str(error)) from error
    found = sorted(folder.glob(MANIFEST)) + sorted(folder.glob(f"*/{MANIFEST}"))
    if len(found) != 1:
        raise StorageError(
            f"{path.name} is no artifact.", f"It holds {len(found)} {MANIFEST} files."
        )
    return found[0].parent


def _check(path: Path, members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    total = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    reason = ""
    if len(members) > MAX_FILES:
        reason = f"It has {len(members)} files; an artifact has at most {MAX_FILES}."
    elif total > MAX_BYTES or (total > _SMALL and total > MAX_RATIO * packed):
        reason = f"It would unpack from {size(packed)} to {size(total)}."
    elif len({name.casefold() for name in names}) < len(names):
        reason = "It holds a file twice."
    for member in members:
        kind = stat.S_IFMT(member.external_attr >> 16)
        if not is_safe_name(member.filename) or kind not in (0, stat.S_IFREG):
            reason = f"Its member {member.filename!r} is a link or leaves the folder."
    if reason:
        raise StorageError(f"{path.name} was not unpacked.", reason)


def _copy(source: BinaryIO, file: BinaryIO, limit: int, path: Path) -> int:
    """Copy at most `limit` bytes; a member that holds more than it declares is refused."""
    copied = 0
    while chunk := source.read(_CHUNK):
        copied += len(chunk)
        if copied > limit:
            raise StorageError(
                f"{path.name} was not unpacked.", "A member is larger than declared."
            )
        file.write(chunk)
    return copied
