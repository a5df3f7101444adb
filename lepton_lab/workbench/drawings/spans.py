# SPDX-License-Identifier: BSD-3-Clause
"""Spans drawn into their string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lepton_lab.datasets.contents.marked import Part, marked

if TYPE_CHECKING:
    from lepton_lab.rendering import Markup


def draw(answer: Any, source: Any) -> Markup:
    """The string with its spans marked.

    Args:
        answer: A `Spans` of the runtime; it holds the string.
        source: What the runtime was given.
    """
    parts, at = [], 0
    for span in answer.spans:
        parts += [Part(answer.string[at : span.start]), Part(span.text, span.label)]
        at = span.end
    return marked([*parts, Part(answer.string[at:])], glue="")
