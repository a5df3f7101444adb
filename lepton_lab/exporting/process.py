# SPDX-License-Identifier: BSD-3-Clause
"""Fresh Python processes: what they load cannot be what this one has loaded already."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import lepton_lab


def run_python(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the interpreter in `folder`, where modules of that folder come first.

    No bytecode is written there, and this package can be imported also from a checkout.

    Args:
        arguments: Behind the interpreter: "-m", the module, its arguments.
        folder: Working directory.
    """
    home = str(Path(lepton_lab.__file__).resolve().parent.parent)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONSAFEPATH", "PYTHONHOME")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, "-B", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
