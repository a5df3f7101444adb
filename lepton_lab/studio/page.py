# SPDX-License-Identifier: BSD-3-Clause
"""The JavaScript of the Studio as one module, as a widget needs it: its files one after the other."""

from __future__ import annotations

import functools
from pathlib import Path

HERE = Path(__file__).parent / "page"
FILES = ("dom.js", "svg.js", "fields.js", "blocks.js", "tables.js", "transfer.js", "studio.js")


@functools.cache
def module() -> str:
    """The ES module."""
    return "\n".join((HERE / name).read_text("utf-8") for name in FILES)


@functools.cache
def style() -> str:
    """The style sheet."""
    return (HERE / "studio.css").read_text("utf-8")
