# SPDX-License-Identifier: BSD-3-Clause
"""Where every training starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_lab.workbench.standing import latest

if TYPE_CHECKING:
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.session import Work


def launch(work: Work, background: bool, isolate: bool, view: str) -> Run:
    """Start a session, here or in a process of its own, and remember what it works on as the latest."""
    from lepton_lab.workbench.isolated import IsolatedSession
    from lepton_lab.workbench.listing import remember
    from lepton_lab.workbench.session import Session

    session = (IsolatedSession if isolate else Session)(work, view)
    remember(session.run)
    latest.model, latest.data = work.model, work.data
    latest.run, latest.artifact = session.run, None
    return session.start(background=background)
