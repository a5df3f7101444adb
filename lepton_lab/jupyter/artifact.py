# SPDX-License-Identifier: BSD-3-Clause
"""A `.lepton` artifact as a page shows it: manifest, certificate, card and golden samples."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tornado.web
from jupyter_server.auth.decorator import authorized

from lepton_lab.errors import StorageError
from lepton_lab.jupyter.answers import ArtifactView, GoldenSample
from lepton_lab.jupyter.handler import LeptonHandler, Route
from lepton_lab.jupyter.parcel import Parcel, opened
from lepton_lab.jupyter.plain import dig, number, text
from lepton_lab.runtime.decode import decode_image
from lepton_lab.runtime.errors import ImageError

SIDE = 128
MOST_SAMPLES = 24
MAX_PIXELS = 20_000_000


class Artifact(LeptonHandler):
    """`GET artifact?path=`: what is in a folder `*.lepton`, or in the .zip of one."""

    @tornado.web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with an `ArtifactView`."""
        path = self.argument("path")
        await self.answer(lambda: view(self.project.root.inside(path)))


def view(path: Path) -> ArtifactView:
    """The small files of an artifact, each checked against its manifest.

    The model's own file is not read: `lab.load_artifact(path).verify()` checks that.

    Raises:
        StorageError: It is no artifact, or it is damaged.
    """
    with opened(path) as parcel:
        return {
            "manifest": parcel.manifest,
            "certificate": parcel.json("certificate.json"),
            "card": parcel.text("MODEL_CARD.md"),
            "golden": list(_golden(parcel)),
        }


def _golden(parcel: Parcel) -> Iterator[GoldenSample]:
    samples = dig(parcel.json("golden/expected.json"), "samples")
    for sample in samples[:MOST_SAMPLES] if isinstance(samples, list) else []:
        file = text(sample, "file")
        yield {
            "name": text(sample, "sample") or file,
            "expected": _expected(sample, parcel.manifest["labels"]),
            "image": _picture(parcel, f"golden/{file}"),
        }


def _expected(sample: Any, labels: Any) -> str:
    """The label that the trained model gave, with its probability."""
    found = dig(sample, "probabilities")
    if not isinstance(found, list) or not isinstance(labels, list) or len(found) != len(labels):
        return ""
    values = [number(value) or 0.0 for value in found]
    best = max(range(len(values)), key=values.__getitem__, default=None)
    return "" if best is None else f"{labels[best]} ({values[best]:.3f})"


def _picture(parcel: Parcel, file: str) -> str | None:
    """A small PNG as a data URL; None where the sample is no picture that can be shown."""
    from PIL import Image

    try:
        pixels = decode_image(parcel.contents(file), max_pixels=MAX_PIXELS)
    except (ImageError, StorageError):
        return None
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE))
    packed = io.BytesIO()
    image.save(packed, "PNG")
    return "data:image/png;base64," + base64.b64encode(packed.getvalue()).decode("ascii")


ROUTES = (Route(r"artifact", Artifact),)
