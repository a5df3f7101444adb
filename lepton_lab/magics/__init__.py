# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton VERB …` in a notebook and `lepton-lab VERB …` in a terminal.

A verb is a frozen record: its places (MODEL, DATA …), the specs whose fields are its options, and
one public call. The parser, completion, `--help`, TOML bodies and "show code" all read that
record, so nothing is listed twice. Start reading at `verb.py`, then `parser.py`.
"""

from __future__ import annotations

from typing import Any


def load(shell: Any) -> None:
    """Add `%lepton`, `%%lepton` and their completion to a shell; a second call changes nothing."""
    from lepton_lab.magics.magics import attach

    attach(shell)


def unload(shell: Any) -> None:
    """Take the magic and its completion away again; a second call changes nothing."""
    from lepton_lab.magics.magics import detach

    detach(shell)
