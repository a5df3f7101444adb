# SPDX-License-Identifier: BSD-3-Clause
"""`export`: stage a bundle aside, prove it, and only then put it in its place in one step.

A refused export, a full disk or a kill leave no part of an artifact, and an earlier one whole.
"""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_lab import durable
from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.exporting.artifact import SUFFIX, Artifact
from lepton_lab.exporting.bundle import describe, seal, stage
from lepton_lab.exporting.card import model_card
from lepton_lab.exporting.registered import formats
from lepton_lab.exporting.trial import make_trial
from lepton_lab.exporting.verify import gate
from lepton_lab.rendering import size
from lepton_lab.runtime.manifest import MANIFEST, list_files

if TYPE_CHECKING:
    from lepton_lab.exporting.contract import Format
    from lepton_lab.exporting.subject import Subject

ALL = "all"


def export(subject: Subject, format: str = "onnx", to: str | Path | None = None) -> Artifact:
    """Write a model as an artifact, after it was proven to compute the same.

    Args:
        subject: The model, its origin and held-out samples.
        format: A name of `formats`, several with commas between them, or "all": each that can be
            written for this model and passes. The certificate says why another was left out.
        to: A path that ends in .lepton, or a folder to put `name.lepton` into; the current folder
            when left out.

    Raises:
        NotFoundError: No such format.
        ParityError: What was exported differs from the model; nothing was written.
        LeptonError: The model cannot be written in this format, or `to` is something else's place.
        StorageError: The disk is full or the folder cannot be written.
    """
    names = formats.names() if format == ALL else [name.strip() for name in format.split(",")]
    chosen = [formats.get(name) for name in dict.fromkeys(names)]
    path = _target(subject, to)
    with _room(path), tempfile.TemporaryDirectory(prefix="lepton-export-") as scratch:
        staged = Path(scratch) / path.name
        staged.mkdir()
        _fill(subject, chosen, staged, {} if format == ALL else None)
        with durable.new_directory(path) as folder:
            _copy(staged, folder)
    return Artifact(path)


def _fill(
    subject: Subject, chosen: list[Format], staged: Path, refused: dict[str, str] | None
) -> None:
    """Everything that the artifact holds; raises ParityError before certificate and card exist.

    With `refused`, a format that cannot be written or does not pass is left out, and its reason kept there.
    """
    trial = make_trial(subject)
    written = stage(subject, trial, chosen, staged, refused)
    certificate = gate(staged, subject, trial, refused)
    passed = [form for form in chosen if form.name in certificate["formats"]]
    kept = {name for form in passed for name in written[form.name]}
    for name in {name for files in written.values() for name in files} - kept:
        (staged / name).unlink()
    describe(subject, passed, staged)
    durable.write_json(staged / "certificate.json", certificate)
    card = model_card(durable.read_json(staged / MANIFEST), certificate)
    durable.write_text(staged / "MODEL_CARD.md", card)
    seal(staged)


def _copy(source: Path, folder: Path) -> None:
    """File by file: `shutil.copytree` would hide a full disk in an error without a number."""
    for name in list_files(source):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)


def _target(subject: Subject, to: str | Path | None) -> Path:
    """Where the artifact goes. Raises LeptonError when something else is there already."""
    own = re.sub(r"[^A-Za-z0-9._-]+", "-", subject.name).strip("-.")[:80] or "model"
    path = Path(own + SUFFIX) if to is None else Path(to)
    if to is not None and path.suffix != SUFFIX:
        inside = str(to).endswith(("/", "\\")) or path.is_dir()
        if path.suffix and not inside:
            raise LeptonError(
                f"'{path.name}' is no name for an artifact.",
                "An artifact is a folder whose name ends in .lepton; the model file lies in it.",
                f"model.export(to='{path.stem}{SUFFIX}')",
            )
        path = path / (own + SUFFIX) if inside else path.with_name(path.name + SUFFIX)
    if path.exists() and not (path / MANIFEST).is_file():
        raise LeptonError(
            f"{path} exists and is no artifact; it was left alone.",
            "An export replaces only an earlier artifact.",
            f"model.export(to='{path.stem}-2{SUFFIX}')",
        )
    return path


@contextmanager
def _room(path: Path) -> Iterator[None]:
    """A full disk in the temporary folder, told as one."""
    try:
        yield
    except LeptonError:
        raise
    except Exception as error:
        if not _is_full(error):
            raise
        free = shutil.disk_usage(tempfile.gettempdir()).free
        raise StorageError(
            f"The disk is full: {path.name} was not written, {size(free)} are free.",
            f"It is put together in {tempfile.gettempdir()} first; an earlier one is unchanged.",
            "Free some space, then run the cell again.",
        ) from error


def _is_full(error: Exception) -> bool:
    """Whether a disk was full. Libraries in other languages tell it in words alone."""
    code = getattr(error, "errno", None)
    return code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "No space left" in str(error)
