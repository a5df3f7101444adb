# SPDX-License-Identifier: BSD-3-Clause
"""The things that `doctor` looks at, one function each.

`CHECKS` names them in the order of the report. To add a check, write a function that returns a
`Finding` and put it into the table.
"""

from __future__ import annotations

import importlib.util
import os
import queue
import shutil
import socket
import tempfile
import threading
import urllib.parse
from collections.abc import Callable
from pathlib import Path

from lepton_lab.journal import runs_root
from lepton_lab.rendering import size
from lepton_lab.workbench.health import OK, PROBLEM, WARNING, Finding
from lepton_lab.workbench.versions import fits, libraries, python, version

SECONDS = 0.8
LEAST_DISK, LEAST_MEMORY = 2e9, 1.5e9
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def device() -> Finding:
    """What torch would train on."""
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        return Finding("device", OK, ", ".join(f"{p.name} ({size(p.total_memory)})" for p in names))
    if torch.backends.mps.is_available():
        return Finding("device", OK, "mps (Apple GPU)")
    found = f"cpu, {os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads"
    if shutil.which("nvidia-smi"):
        todo = "This computer seems to have an NVIDIA GPU: install the CUDA build of torch."
        return Finding("device", WARNING, f"{found}; torch {torch.__version__} sees no GPU", todo)
    return Finding("device", OK, found)


def memory() -> Finding:
    """Free main memory."""
    import psutil

    have = psutil.virtual_memory()
    found = f"{size(have.available)} of {size(have.total)} free"
    if have.available < LEAST_MEMORY:
        return Finding(
            "memory",
            WARNING,
            found,
            "Close other kernels, or use a smaller model and --batch-size=8.",
        )
    return Finding("memory", OK, found)


def disk() -> Finding:
    """Free disk where runs are kept."""
    free = shutil.disk_usage(_existing(runs_root())).free
    found = f"{size(free)} free for {runs_root()}"
    if free < LEAST_DISK:
        return Finding(
            "disk",
            WARNING,
            found,
            "Free some space, or set LEPTON_RUNS to a folder on another disk.",
        )
    return Finding("disk", OK, found)


def run_folder() -> Finding:
    """Whether a run can be written, tried with a real file."""
    root = runs_root()
    try:
        with tempfile.TemporaryFile(dir=_existing(root)):
            pass
    except OSError as error:
        todo = "Start the notebook in a folder that you may write to, or set LEPTON_RUNS."
        return Finding("run folder", PROBLEM, f"{root} cannot be written: {error.strerror}", todo)
    return Finding("run folder", OK, f"{root} can be written")


def temporary() -> Finding:
    """The folder for passing files."""
    folder = Path(tempfile.gettempdir())
    free = shutil.disk_usage(folder).free
    found = f"{folder}, {size(free)} free"
    if free < 2e8:
        return Finding(
            "temporary",
            WARNING,
            found,
            "Set TMPDIR to a folder with more room and restart the kernel.",
        )
    return Finding("temporary", OK, found)


def hub_cache() -> Finding:
    """Where downloaded weights are, and how many."""
    from huggingface_hub import constants, scan_cache_dir

    folder = Path(constants.HF_HUB_CACHE)
    if not folder.is_dir():
        return Finding("hub cache", OK, f"{folder}: nothing downloaded yet")
    cache = scan_cache_dir(folder)
    count = len(cache.repos)
    return Finding(
        "hub cache",
        OK,
        f"{folder}: {count} repositor{'y' if count == 1 else 'ies'}, {size(cache.size_on_disk)}",
    )


def network() -> Finding:
    """Whether the model hub answers; at most `SECONDS`, also where names cannot be looked up."""
    from huggingface_hub import constants

    offline = [
        name
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
        if _true(os.environ.get(name, ""))
    ]
    if offline:
        return Finding(
            "network",
            WARNING,
            f"switched off by {' and '.join(offline)}",
            "Only cached and builtin models load.",
        )
    proxy = next((os.environ[name] for name in PROXIES if os.environ.get(name)), "")
    url = urllib.parse.urlsplit(proxy or constants.ENDPOINT)
    host, port = url.hostname or "", url.port or (80 if url.scheme == "http" else 443)
    name = f"{'proxy ' if proxy else ''}{host}"
    if reaches(host, port, SECONDS):
        return Finding("network", OK, f"{name} answers")
    todo = "Use a cached or builtin model (%lepton models --cached), or --weights=FILE."
    return Finding("network", WARNING, f"{name} cannot be reached", todo)


def front_end() -> Finding:
    """The notebook and its kernel."""
    have = [
        f"{name} {v}"
        for name in ("ipython", "ipykernel", "jupyterlab", "anywidget")
        if (v := version(name))
    ]
    if not version("anywidget"):
        return Finding(
            "front end", WARNING, ", ".join(have), "%pip install anywidget   (for the live card)"
        )
    kernel = version("ipykernel") or "0"
    if fits(kernel, ">=7.2"):
        return Finding(
            "front end",
            OK,
            f"{', '.join(have)}; widget buttons wait for a busy cell: stop it with ■",
        )
    return Finding("front end", OK, ", ".join(have))


def charts() -> Finding:
    """Plotly's JavaScript, which draws final charts without a network."""
    spec = importlib.util.find_spec("plotly")
    roots = list(spec.submodule_search_locations or ()) if spec else []
    bundled = [
        path for root in roots if (path := Path(root) / "package_data" / "plotly.min.js").is_file()
    ]
    if not bundled:
        return Finding("charts", WARNING, "plotly has no JavaScript here", "%pip install -U plotly")
    return Finding(
        "charts",
        OK,
        f"plotly {version('plotly')} with its JavaScript ({size(bundled[0].stat().st_size)})",
    )


CHECKS: dict[str, Callable[[], Finding]] = {
    "python": python,
    "libraries": libraries,
    "device": device,
    "memory": memory,
    "disk": disk,
    "run folder": run_folder,
    "temporary": temporary,
    "hub cache": hub_cache,
    "network": network,
    "front end": front_end,
    "charts": charts,
}


def reaches(host: str, port: int, seconds: float) -> bool:
    """Whether a TCP connection opens in time. A name look-up has no limit, so a thread does it."""
    answer: queue.Queue[bool] = queue.Queue(1)

    def attempt() -> None:
        try:
            socket.create_connection((host, port), timeout=seconds).close()
        except OSError:
            answer.put(False)
        else:
            answer.put(True)

    threading.Thread(target=attempt, name="lepton-network", daemon=True).start()
    try:
        return answer.get(timeout=seconds)
    except queue.Empty:
        return False


def _existing(path: Path) -> Path:
    """The nearest folder that is there."""
    path = path.absolute()
    while not path.is_dir():
        path = path.parent
    return path


def _true(word: str) -> bool:
    return word.strip().lower() in ("1", "true", "yes", "on")
