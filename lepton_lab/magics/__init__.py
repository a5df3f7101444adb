# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton VERB …` in a notebook and `lepton-lab VERB …` in a terminal.

A verb is a frozen record: its places (MODEL, DATA …), the specs whose fields are its options, and
one public call. The parser, completion, `--help`, TOML bodies and "show code" all read that
record, so nothing is listed twice. Start reading at `verb.py`, then `parser.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def load(shell: Any) -> None:
    """Add `%lepton`, `%%lepton`, their completion and the page's orders to a shell, once."""
    from lepton_lab.magics.magics import attach
    from lepton_lab.widgets import control

    attach(shell)
    control.register(shell, _order)


def unload(shell: Any) -> None:
    """Take the magic, its completion and the page's orders away; a second call changes nothing."""
    from lepton_lab.magics.magics import detach
    from lepton_lab.widgets import control

    detach(shell)
    control.unregister(shell)


def _order(name: str, action: str, values: Mapping[str, Any]) -> None:
    """Give an order that came from the page; the workbench is loaded when the first one comes."""
    from lepton_lab.workbench.listing import order

    order(name, action, values)
