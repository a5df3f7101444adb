# SPDX-License-Identifier: BSD-3-Clause
"""Which process writes a run, and whether it is still there.

A pid alone is not enough: pids are used again. The start of the process tells them apart, and the host's
name keeps a shared folder from judging another machine's processes. On Linux the start is counted in clock
ticks since a named boot, because the time of day that is made of it moves when somebody sets the clock.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

BOOT = Path("/proc/sys/kernel/random/boot_id")
STATE, START = 0, 19
"""Where these stand in `/proc/PID/stat`, counted after the command's closing bracket."""


def this_process() -> dict[str, Any]:
    """Host, pid and start of this process."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": started(os.getpid())}


def alive(process: dict[str, Any]) -> bool:
    """Whether that process still runs. One on another host is taken to be alive: nobody here can tell."""
    if not isinstance(process, dict):
        return False
    if process.get("host") != socket.gethostname():
        return bool(process)
    try:
        now, then = started(int(process.get("pid", -1))), process.get("started")
        if isinstance(now, float) and isinstance(then, (int, float)):
            return abs(now - then) < 2.0
        return now is not None and now == then
    except (TypeError, ValueError):
        return False


def started(pid: int) -> str | float | None:
    """The start of a process: boot and ticks on Linux, elsewhere Unix seconds.

    None when it is gone, or has ended and only waits to be collected.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return None if fields[STATE] in "ZX" else f"{BOOT.read_text().strip()}/{fields[START]}"
    except (OSError, IndexError):
        return _creation(pid)


def _creation(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError, OverflowError):
        return None
