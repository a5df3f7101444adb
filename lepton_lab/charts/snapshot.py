# SPDX-License-Identifier: BSD-3-Clause
"""The whole state of a run in about two kilobytes while it is live, in ten when it is kept.

A page is sent one value, again and again: everything that it shows. Nothing has to be numbered,
repeated or caught up with; a page that was reloaded has the whole picture with the first value that
it gets. A value is

    uint32 length of the header | header, JSON in UTF-8 | padding to 2 | uint16 positions and
    heights

little-endian. A curve of n points has n positions, then n heights, both as uint16 on the scale in
its header entry `[name, style, marked, n, x0, dx, y0, dy]`: x = x0 + dx * position. Height 65535 is
a gap. The rounding is below a hundredth of a pixel; exact numbers are in the header's texts and in
the final picture.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from lepton_lab.charts import words
from lepton_lab.charts.decimate import Floats
from lepton_lab.charts.history import Snapshot
from lepton_lab.charts.panels import Panel, Points, Trace, panels
from lepton_lab.rendering import visible

GAP = 65535
LIVE = Points(loss=110, metric=40, learning_rate=24, throughput=32, memory=12)
ALERTS = 2
KEPT = 12


def encode(view: Snapshot, points: Points = LIVE, *, sent: bool = False) -> bytes:
    """The bytes of a state.

    Args:
        view: The run at one moment.
        points: The most points per curve.
        sent: Plotly is on its way to the page, which need not ask for it.
    """
    shown = panels(view, points)
    curves = {id(trace): _curve(trace) for panel in shown for trace in panel.traces}
    header: dict[str, Any] = {
        "state": view.state,
        "run": view.about.run,
        "step": view.step,
        "kept": view.kept[-KEPT:],
        "orders": len(view.controls),
        "about": _short(words.what(view), 120),
        "headline": words.headline(view),
        "fraction": round(view.fraction, 3),
        "progress": words.progress(view),
        "facts": [[_short(label), _short(value)] for label, value in words.facts(view)]
        + _checkpoint(view),
        "say": announcement(view),
        "panels": [_panel(panel, curves) for panel in shown],
    }
    if view.alerts:
        header["alerts"] = [
            [alert.level, _short(alert.message, 160), _short(alert.hint, 160)]
            for alert in view.alerts[-ALERTS:]
        ]
    if sent:
        header["sent"] = True
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    text += b" " * (len(text) % 2)
    return struct.pack("<I", len(text)) + text + b"".join(codes for _, codes in curves.values())


def announcement(view: Snapshot) -> str:
    """What a screen reader says: it changes with the state and with evaluations, not with steps."""
    if view.state not in ("running", "stopping"):
        return words.state(view)
    scores = {
        f"{visible(split)} {visible(name)} {words.number(float(values[-1]))}": int(steps[-1])
        for (split, name), (steps, values) in view.metrics.items()
        if name == view.metric and len(values)
    }
    verb = "Stopping after this step" if view.state == "stopping" else "Training"
    where = [f"step {max(scores.values())} of {view.total_steps}"] if scores else []
    return _short(", ".join([verb, *where, *scores]), 160)


def _checkpoint(view: Snapshot) -> list[list[str]]:
    return [["checkpoint", f"step {view.saved.step}"]] if view.saved else []


def _panel(panel: Panel, curves: dict[int, tuple[list[Any], bytes]]) -> dict[str, Any]:
    written: dict[str, Any] = {
        "key": panel.key,
        "title": _short(panel.title),
        "curves": [curves[id(trace)][0] for trace in panel.traces],
    }
    x, y = panel.crosses
    if len(x):
        written["crosses"] = [[int(a), float(f"{b:.5g}")] for a, b in zip(x, y, strict=True)][-10:]
    return written


def _curve(trace: Trace) -> tuple[list[Any], bytes]:
    """The header entry of a curve and its codes."""
    x, y = _scale(trace.x), _scale(trace.y)
    entry = [_short(trace.name), trace.style, int(trace.marked), len(trace.x), *x, *y]
    return entry, _codes(trace.x, *x) + _codes(trace.y, *y)


def _scale(values: Floats) -> tuple[float, float]:
    """The offset and the step of a uint16 scale over finite values; whole numbers stay whole."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0, 0
    low, span = float(finite.min()), float(np.ptp(finite))
    if span < GAP and bool((finite == np.floor(finite)).all()):
        return int(low), 1
    return float(f"{low:.7g}"), float(f"{span / (GAP - 1):.6g}")


def _codes(values: Floats, low: float, step: float) -> bytes:
    finite = np.isfinite(values)
    codes = np.rint((np.where(finite, values, low) - low) / (step or 1.0)).clip(0, GAP - 1)
    return np.where(finite, codes, GAP).astype("<u2").tobytes()


def _short(text: str, width: int = 60) -> str:
    clean = visible(text)
    return clean if len(clean) <= width else clean[: width - 1] + "…"
