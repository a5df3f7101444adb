# SPDX-License-Identifier: BSD-3-Clause
"""Where data come from: one file and one registered record per kind of place.

The first source that recognizes an object reads it, in the order of registration. A source from
outside registers its record through the entry point group `lepton_lab.data_sources`.
"""

from __future__ import annotations

from lepton_lab.datasets.records import Source
from lepton_lab.datasets.sources import (
    arrays,
    builtin,
    coco,
    folder,
    hub,
    masks,
    rows,
    sounds,
    table,
    tokens,
    voc,
    yolo,
)
from lepton_lab.registry import Registry

sources: Registry[Source] = Registry("data source", "lab.data('digits')")
for _record in (
    coco.SOURCE,
    yolo.SOURCE,
    voc.SOURCE,
    masks.SOURCE,
    sounds.SOURCE,
    tokens.SOURCE,
    rows.SOURCE,
    folder.SOURCE,
    table.SOURCE,
    builtin.SOURCE,
    arrays.SOURCE,
    hub.SOURCE,
):
    sources.register(_record)

__all__ = ["sources"]
