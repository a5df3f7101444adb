# SPDX-License-Identifier: BSD-3-Clause
"""The card's JavaScript as one module, as a widget needs it.

On disk it is a module of several files that import each other, which our JupyterLab extension bundles.
A widget takes one text: the files one after the other without their imports. No build step is needed.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

HERE = Path(__file__).parent
FILES = (
    "card/decode.js",
    "card/dom.js",
    "card/charts.js",
    "card/orders.js",
    "card/branch.js",
    "card/samples.js",
    "card/plotly.js",
    "card/kernel.js",
    "card.js",
    "card/widget.js",
)
_FROM_FILE = re.compile(r'^(?:import|export) .* from "\./.*";\n|^import .* from "\.\./.*";\n', re.M)


@functools.cache
def module() -> str:
    """The ES module of the widget; `export default` is what anywidget calls."""
    return "\n".join(_FROM_FILE.sub("", (HERE / name).read_text("utf-8")) for name in FILES)


@functools.cache
def style() -> str:
    """The style sheet of the card."""
    return (HERE / "card.css").read_text("utf-8")
