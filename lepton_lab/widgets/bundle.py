# SPDX-License-Identifier: BSD-3-Clause
"""A page that only its kernel can bring back, as the output of a cell.

JupyterLab says "Loading widget..." or "Error displaying widget" where a notebook is opened again and the
kernel is gone. Beside the widget stands which page it is, so that our extension can say what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MIME = "application/vnd.lepton-lab.page.v1+json"
VERSION = 1
WIDGET = "application/vnd.jupyter.widget-view+json"


def bundle(model_id: str, page: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """The MIME bundle of a page.

    Args:
        model_id: The widget's id.
        page: Which page it is: "studio" or "clean".
        texts: What a reader without widgets shows, MIME type -> text.

    >>> bundle("1", "studio", {"text/plain": "Lepton Studio"})[MIME]
    {'version': 1, 'page': 'studio'}
    """
    model = {"version_major": 2, "version_minor": 0, "model_id": model_id}
    return {WIDGET: model, MIME: {"version": VERSION, "page": page}, **texts}
