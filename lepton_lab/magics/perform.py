# SPDX-License-Identifier: BSD-3-Clause
"""A request -> the object it asks for; the same for the magic and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lepton_lab.magics import help as pages
from lepton_lab.magics.verb import Request


def perform(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Make the one public call of a request.

    An error leaves as it came, and is kept for `%lepton doctor --last`.

    Args:
        request: From the parser.
        namespace: The variables that a word may name.
    """
    if request.help:
        return pages.page(request.verb) if request.verb else pages.overview()
    try:
        if request.verb is None:
            import lepton_lab as lab

            return lab.bench()
        return request.verb.call(request, namespace)
    except Exception as error:
        from lepton_lab.workbench.health import remember

        remember(error)
        raise
