# SPDX-License-Identifier: BSD-3-Clause
"""Events -> pictures: the history of a run, its Plotly figure, its SVG and its words.

Pure functions on recorded numbers. Nothing here knows a framework, a kernel or a front end, so the
same events give the same picture while a run trains, from its journal years later, and in a test.
"""

from __future__ import annotations

from lepton_lab.charts.document import run_document
from lepton_lab.charts.history import History, Snapshot
from lepton_lab.charts.mime import RunChart, final_bundle, show, summary, text_line

__all__ = [
    "History",
    "RunChart",
    "Snapshot",
    "final_bundle",
    "run_document",
    "show",
    "summary",
    "text_line",
]
