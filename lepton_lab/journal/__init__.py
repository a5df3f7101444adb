# SPDX-License-Identifier: BSD-3-Clause
"""What happened, on disk, readable without us: one folder of plain files per run."""

from __future__ import annotations

from lepton_lab.journal.folder import RunFolder, new_run, run_folders, runs_root
from lepton_lab.journal.writer import JournalWriter

__all__ = ["JournalWriter", "RunFolder", "new_run", "run_folders", "runs_root"]
