# SPDX-License-Identifier: BSD-3-Clause
"""One class out of several, beside its input: the outline of a sound, the words for everything else."""

from __future__ import annotations

from typing import Any

from lepton_lab.datasets.contents.waveform import waveform
from lepton_lab.rendering import Markup, escape
from lepton_lab.runtime.classes_output import Prediction
from lepton_lab.runtime.sound import Sound


def draw(answer: Prediction, source: Any) -> Markup:
    """The answer in words, below the waveform where the input is a sound. Nothing plays by itself.

    Args:
        answer: Class probabilities.
        source: What the runtime was given.
    """
    words = f"<div>{escape(answer)}</div>"
    if not isinstance(source, Sound):
        return Markup(words, str(answer))
    picture = waveform(source, answer.name)
    return Markup(f"<div>{picture.html()}{words}</div>", f"{answer} ({picture.text()})")
