# SPDX-License-Identifier: BSD-3-Clause
"""Pictures: files, bytes, PIL pictures or arrays; always uint8 RGB, upright."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lepton_lab.datasets import payload
from lepton_lab.datasets.checking import check_all
from lepton_lab.datasets.content import Content
from lepton_lab.datasets.contents.pictures import picture_inputs, thumbnail
from lepton_lab.rendering import Markup

if TYPE_CHECKING:
    from lepton_lab.datasets.dataset import Dataset
    from lepton_lab.datasets.records import Finding
    from lepton_lab.datasets.splits import Split

SIDE = 72


def _tile(split: Split, index: int) -> Markup:
    """The picture, with its label drawn into it where the label has a place in it."""
    sample, pixels = split[index], split.read_for_training(index, SIDE)
    if split.labels.draw is not None and sample.label is not None:
        return split.labels.draw(pixels, sample.label, split.classes, sample.id)
    return thumbnail(pixels, sample.id, SIDE)


def _facts(dataset: Dataset) -> dict[str, str]:
    facts = [c.facts for c in dataset.checks.values() if c.facts is not None and not c.code]
    if not facts:
        return {"images": "sizes unknown"}
    widths, heights = np.array([f.width for f in facts]), np.array([f.height for f in facts])
    if np.ptp(widths) == 0 and np.ptp(heights) == 0:
        return {"images": f"all {widths[0]} × {heights[0]} pixels"}
    middle = f"median {int(np.median(widths))} × {int(np.median(heights))}"
    low, high = f"{widths.min()} × {heights.min()}", f"{widths.max()} × {heights.max()}"
    return {"images": f"{low} to {high}, {middle} pixels"}


def _looks(dataset: Dataset) -> list[Finding]:
    """Files of an unusual kind, and pictures that look alike although their bytes differ."""
    from lepton_lab.datasets.audit import picture_findings

    return picture_findings(dataset)


RECORD = Content(
    name="image",
    noun="image",
    nouns="images",
    check=check_all,
    read=payload.pixels,
    encoded=payload.encoded,
    inputs=picture_inputs,
    tile=_tile,
    facts=_facts,
    rules=(_looks,),
)
