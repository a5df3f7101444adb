# SPDX-License-Identifier: BSD-3-Clause
"""`lepton-lab VERB …` and `python -m lepton_lab VERB …`: the magic without a notebook.

The same parser, the same calls; results are printed as text. Exit codes: 0 done, 1 it failed,
2 the line could not be understood, 130 interrupted.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from lepton_lab.errors import LeptonError, SpecError
from lepton_lab.magics.help import overview
from lepton_lab.magics.parser import parse_words
from lepton_lab.magics.perform import perform
from lepton_lab.magics.verb import Request

OVERVIEW = Request(None, help=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb.

    Args:
        argv: The words after the program's name; `sys.argv[1:]` when left out.

    Returns:
        The exit code of the process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault("LEPTON_DISPLAY", "text")
    try:
        request = parse_words(words)
        result = overview(notebook=False) if request == OVERVIEW else perform(request, {})
    except LeptonError as error:
        print(_spoken(str(error)), file=sys.stderr)
        return 2 if isinstance(error, SpecError) else 1
    except KeyboardInterrupt:
        return 130
    _print(_spoken(text(result)))
    return 0


def text(result: Any) -> str:
    """An object as plain text, by the same rule by which a notebook chooses it."""
    show = getattr(result, "_repr_mimebundle_", None)
    found = show() if show else None
    shown = found[0] if isinstance(found, tuple) else found
    return str((shown or {}).get("text/plain", result))


def _spoken(message: str) -> str:
    """A message with its commands as a terminal takes them."""
    return re.sub(r"(?<!%)%lepton\b", "lepton-lab", message)


def _print(content: str) -> None:
    """Print also where the terminal cannot show a character."""
    encoding = sys.stdout.encoding or "utf-8"
    print(content.encode(encoding, "replace").decode(encoding))
