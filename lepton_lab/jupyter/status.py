# SPDX-License-Identifier: BSD-3-Clause
"""What stands in the status bar: memory of the device, and the runs under way."""

from __future__ import annotations

import functools
import shutil
import subprocess
import time

import psutil
import tornado.web
from jupyter_server.auth.decorator import authorized

from lepton_lab.jupyter.answers import LiveRun, Memory, Status
from lepton_lab.jupyter.handler import LeptonHandler, Route
from lepton_lab.jupyter.project import Project

KEEP = 5.0
_QUERY = ("--query-gpu=memory.used,memory.total,name", "--format=csv,noheader,nounits")


class StatusBar(LeptonHandler):
    """`GET status`."""

    @tornado.web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with a `Status`."""
        await self.answer(lambda: status(self.project))


def status(project: Project) -> Status:
    """Memory, and every run under way, newest first."""
    live: list[LiveRun] = []
    for run in project.runs():
        if run.live:
            fraction = round(run.fraction, 4)
            name = run.row["name"]
            live.append({"id": run.id, "name": name, "fraction": fraction, "state": run.state})
    return {"memory": memory(), "live": live}


def memory() -> Memory:
    """Memory of the first NVIDIA device, else of the machine; asked for every few seconds."""
    return _memory(int(time.monotonic() / KEEP))


@functools.lru_cache(maxsize=1)
def _memory(period: int) -> Memory:
    return _graphics() or _machine()


def _machine() -> Memory:
    found = psutil.virtual_memory()
    return {"used": found.total - found.available, "total": found.total, "device": "CPU"}


def _graphics() -> Memory | None:
    """What the driver's own tool says; None where there is none or it does not answer."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    try:
        done = subprocess.run(
            [tool, *_QUERY], capture_output=True, text=True, timeout=5, check=True
        )
        used, total, name = done.stdout.splitlines()[0].split(",", 2)
        return {"used": int(used) << 20, "total": int(total) << 20, "device": name.strip()}
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


ROUTES = (Route(r"status", StatusBar),)
