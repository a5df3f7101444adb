# SPDX-License-Identifier: BSD-3-Clause
"""Fresh Python processes: what they load cannot be what this one has loaded already."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import lepton_lab

# A process that hangs would keep the notebook for ever; the gate of a large model takes minutes.
_LONGEST = 3600.0


def run_python(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the interpreter in `folder`, where modules of that folder come first.

    No bytecode is written there, and this package can be imported also from a checkout. After an hour
    it is stopped, with 124 as its code.

    Args:
        arguments: Behind the interpreter: "-m", the module, its arguments.
        folder: Working directory.
    """
    home = str(Path(lepton_lab.__file__).resolve().parent.parent)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONSAFEPATH", "PYTHONHOME")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-B", *arguments]
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_LONGEST,
        )
    except subprocess.TimeoutExpired:
        reason = f"It was stopped after {_LONGEST / 60:.0f} minutes."
        return subprocess.CompletedProcess(command, 124, "", reason)
