# SPDX-License-Identifier: BSD-3-Clause
"""The engine: a loop that fits on one screen, and the parts that it turns.

Nothing here knows a task, a chart or a file format of the journal: it emits events and obeys `Control`.
"""

from __future__ import annotations

from lepton_lab.training.control import Control
from lepton_lab.training.plan import Plan

__all__ = ["Control", "Plan"]
