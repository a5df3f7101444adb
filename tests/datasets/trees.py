# SPDX-License-Identifier: BSD-3-Clause
"""Pictures and folders for the tests, made on the spot."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

import lepton_lab.datasets
from lepton_lab.errors import LeptonError


def picture(seed: int, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """A picture of soft blobs, (width, height); every seed gives another one."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def encoded(seed: int, kind: str = "JPEG", size: tuple[int, int] = (48, 40), **options) -> bytes:
    stream = io.BytesIO()
    picture(seed, size).save(stream, kind, **options)
    return stream.getvalue()


def save(path: Path, seed: int, size: tuple[int, int] = (48, 40)) -> Path:
    """A picture of its own at `path`, as JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(seed, "JPEG", size))
    return path


def folder(root: Path, **classes: int) -> Path:
    """`folder(root, cat=3, dog=5)`: one folder per class with so many different pictures."""
    for number, (name, count) in enumerate(sorted(classes.items())):
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            save(root / name / f"{i:03d}.jpg", seed_of(root, name, number, i))
    return root


def seed_of(root: Path, name: str, number: int, i: int) -> int:
    return sum(map(ord, root.name + name)) * 100_000 + number * 10_000 + i


def codes(dataset) -> set[str]:
    return {finding.code for finding in dataset.problems}


def problem(dataset, code: str):
    return next(finding for finding in dataset.problems if finding.code == code)


def labels(split) -> list[str]:
    return [split.classes[sample.label] for sample in split]


def side_of(dataset) -> dict[str, str]:
    return {sample.id: split.name for split in dataset.splits() for sample in split}


def three_lines(error: LeptonError) -> list[str]:
    """The lines of a message, checked: at most three, each one a sentence or a command."""
    lines = str(error).split("\n")
    assert 1 <= len(lines) <= 3, lines
    assert all(line.strip() for line in lines)
    assert "Traceback" not in str(error)
    return lines


def type_in(error: LeptonError):
    """Run the command that the last line of a message gives."""
    command = re.search(r"lab\..*", three_lines(error)[-1])
    assert command is not None, str(error)
    return eval(command.group(), {"lab": lepton_lab.datasets})
