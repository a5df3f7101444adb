# SPDX-License-Identifier: BSD-3-Clause
"""Which process writes a run, and whether it is still there.

A pid alone is not enough: pids are used again. The start time of the process tells them apart, and
the host's name keeps a shared folder from judging another machine's processes.
"""

from __future__ import annotations

import os
import socket
from typing import Any


def this_process() -> dict[str, Any]:
    """Host, pid and start time (Unix seconds) of this process."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid())}


def alive(process: dict[str, Any]) -> bool:
    """Whether that process still runs. One on another host is taken to be alive: nobody here can tell."""
    if not isinstance(process, dict):
        return False
    if process.get("host") != socket.gethostname():
        return bool(process)
    try:
        started = _started(int(process.get("pid", -1)))
        return started is not None and abs(started - float(process.get("started") or 0)) < 2.0
    except (TypeError, ValueError):
        return False


def _started(pid: int) -> float | None:
    """Start time of a process; None when it is gone, or has ended and only waits to be collected."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError, OverflowError):
        return None
