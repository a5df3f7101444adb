# SPDX-License-Identifier: BSD-3-Clause
"""The live view of a run, with what it needs of the workbench: who takes its orders, and pictures of samples."""

from __future__ import annotations

import base64
import logging
from functools import partial
from typing import TYPE_CHECKING

from lepton_lab.views import Watcher, choose

if TYPE_CHECKING:
    from lepton_lab.datasets import Dataset
    from lepton_lab.journal import RunFolder

logger = logging.getLogger(__name__)
SIDE = 96


def watch(view: str, folder: RunFolder, data: Dataset | None = None) -> Watcher:
    """Open a view of the run in `folder`.

    Args:
        view: Name of the view, or "auto".
        folder: The run's folder.
        data: What it trains on; without it, samples have no pictures.
    """
    from lepton_lab.widgets import control
    from lepton_lab.workbench.listing import order

    control.attend(order)
    watcher = choose(view).open(folder.path)
    if data is not None and data.content == "image" and hasattr(watcher, "picture"):
        watcher.picture = partial(picture, data)
    return watcher


def picture(data: Dataset, split: str, place: int) -> str:
    """A sample as a data URL of about 2 kB; "" when it cannot be read any more."""
    from lepton_lab.evaluation.pictures import jpeg

    try:
        small = jpeg(data.split(split).read_for_training(place, SIDE))
    except Exception as error:
        logger.info("sample %d of %s has no picture: %s", place, split, error)
        return ""
    return f"data:image/jpeg;base64,{base64.b64encode(small).decode('ascii')}"
