# SPDX-License-Identifier: BSD-3-Clause
"""A state as the plain JSON that the page draws, and as text where there is no page."""

from __future__ import annotations

import json
from typing import Any

from lepton_lab.rendering import Card, visible
from lepton_lab.studio import blocks
from lepton_lab.studio.state import State
from lepton_lab.studio.steps import STEPS

VERSION = 1
MARKS = {"done": "✓", "busy": "●", "stale": "↻", "failed": "✗", "locked": "·", "": "○"}


def view(state: State, device: str = "") -> dict[str, Any]:
    """Everything that the page shows; JSON values only.

    Args:
        state: The state.
        device: What the header says of this computer.
    """
    step = STEPS[state.open]
    try:
        panel = list(step.panel(state))
    except Exception as error:  # a panel that cannot be made must not take the others with it
        panel = blocks.error("panel", str(error).split("\n")[:3] or [type(error).__name__])
    busy = state.busy
    shown = {
        "version": VERSION,
        "device": device,
        "open": state.open,
        "steps": [_tab(state, key) for key in STEPS],
        "busy": busy and {"step": busy.step, "words": busy.words, "fraction": busy.fraction},
        "panel": panel,
        "language": state.language,
        "code": code(state, state.open, state.language),
        "say": visible(state.say),
    }
    plain: dict[str, Any] = json.loads(json.dumps(shown, default=str).encode("utf-8", "replace"))
    return plain


def code(state: State, step: str, language: str) -> str:
    """The cell that does what a step does."""
    return STEPS[step].code(state, language)


def card(state: State) -> Card:
    """The steps and how they stand, for a page without widgets."""
    facts = {}
    for step in STEPS.values():
        mark, words = step.mark(state)
        facts[f"{MARKS[mark]} {step.title}"] = words or "–"
    lines = code(state, "train", "magic").splitlines()
    ready = bool(lines) and not lines[0].startswith("#")
    steps = ["run this cell to open the Studio", *(lines[:1] if ready else [])]
    return Card("Lepton Studio", facts, next_steps=steps)


def _tab(state: State, key: str) -> dict[str, Any]:
    step = STEPS[key]
    mark, words = step.mark(state)
    if state.busy is not None and state.busy.step == key:
        mark, words = "busy", state.busy.words
    return {
        "key": key, "title": step.title, "mark": mark, "sign": MARKS[mark], "words": visible(words),
    }  # fmt: skip
