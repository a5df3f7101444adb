# SPDX-License-Identifier: BSD-3-Clause
r"""How many requests a second does a served artifact answer, and how long does one wait, beside other servers?

    python benchmarks/serve.py [--python PYTHON] [--model resnet18] [--size 64] [--seconds 3] [--rounds 3] [--write]

The same artifact, the same picture in the same JSON, one thread for the model, one process that asks over 1, 8 and
32 kept connections. All servers are up; they are asked in turn, in another order in each round, and the figures are
the medians of the rounds. The servers run in PYTHON, an environment that holds what they need (it is not installed
for you, and neither does Lepton Lab need it):

    python -m venv peers && peers/bin/pip install litserve fastapi uvicorn httptools starlette python-multipart \
        onnxruntime pillow numpy
    python benchmarks/serve.py --python peers/bin/python

A server whose library is missing there is named and left out. CPU is that of all processes of a server, so it
holds also on a busy machine; requests per second and waits do not.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import json
import os
import platform
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

HERE = Path(__file__).parent
CLIENTS = (1, 8, 32)
TOKEN = "token-of-the-benchmark"
NAMES = {"lepton": "Lepton Lab", "litserve": "LitServe", "fastapi": "FastAPI + onnxruntime"}
NEEDED = {"lepton": "httptools", "litserve": "litserve", "fastapi": "fastapi"}


def artifact(folder: Path, model: str, size: int) -> Path:
    """A model of that name with random weights: what it answers does not matter here."""
    os.environ["LEPTON_DISPLAY"] = "silent"
    from lepton_lab.catalog import build
    from lepton_lab.exporting import Subject, export
    from lepton_lab.spec import ModelSpec

    built = build(ModelSpec(model, weights="none", image_size=size), classes=("cat", "dog", "owl"), seed=0)
    return export(Subject(built, "image-classification", "served", {}, []), "onnx", folder / "served.lepton").path


def picture() -> bytes:
    """A PNG of 96 x 96 with waves."""
    y, x = np.mgrid[:96, :96]
    pixels = 128 + 90 * np.stack([np.sin(x * 0.1 + y * 0.05 * c + c) for c in range(3)], 2)
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@contextmanager
def server(name: str, python: str, folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    """Its port and its process, when it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = ["serve.py", "--port", str(port), "--threads", "1"]
    peer = [str(HERE.resolve() / f"serve_{name}.py"), str(folder), str(port)]
    process = subprocess.Popen(
        [python, "-B", *(own if name == "lepton" else peer)],
        cwd=folder,
        env=os.environ | {"LEPTON_TOKEN": TOKEN, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
    )
    whole = psutil.Process(process.pid)
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until and process.poll() is None:
            try:
                asyncio.run(asked(port, 1, 0.1))
                break
            except (OSError, EOFError, RuntimeError):
                time.sleep(0.3)
        else:
            raise SystemExit(f"{NAMES[name]} does not answer")
        yield port, whole
    finally:
        for one in [*(whole.children(recursive=True) if whole.is_running() else ()), process]:
            with suppress(psutil.Error):
                one.terminate()
        process.wait()


def request() -> bytes:
    body = json.dumps({"input": base64.b64encode(picture()).decode()}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def asked(port: int, clients: int, seconds: float) -> list[float]:
    """Seconds that each request took, over kept connections, one after the other on each."""
    data, times = request(), list[float]()
    until = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (began := time.perf_counter()) < until:
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r", 1)[0])
            await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head[:80])
            times.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return times


def cpu(process: psutil.Process) -> float:
    """CPU seconds of a process and its children so far."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        used = one.cpu_times()
        total += used.user + used.system
    return total


def memory(process: psutil.Process) -> int:
    return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])


def measure(port: int, process: psutil.Process, clients: int, seconds: float) -> dict[str, float]:
    asyncio.run(asked(port, clients, seconds / 6))
    before, began = cpu(process), time.perf_counter()
    times = asyncio.run(asked(port, clients, seconds))
    took = time.perf_counter() - began
    return {
        "rps": len(times) / took,
        "p50": 1000 * float(np.percentile(times, 50)),
        "p99": 1000 * float(np.percentile(times, 99)),
        "cpu": 1000 * (cpu(process) - before) / len(times),
    }


def present(python: str) -> list[str]:
    """The servers whose library is installed there; the others are named."""
    found = []
    for name, module in NEEDED.items():
        code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
        if subprocess.run([python, "-c", code], check=False).returncode:
            print(f"{NAMES[name]} is left out: {python} has no {module}; see --help")
        else:
            found.append(name)
    return found


def table(found: dict[tuple[str, int], list[dict[str, float]]], resident: dict[str, int]) -> list[str]:
    lines = ["| clients | server | requests/s | p50 ms | p99 ms | CPU ms per request | memory MB |"]
    lines.append("|---:|---|---:|---:|---:|---:|---:|")
    for (name, clients), rounds in sorted(found.items(), key=lambda item: item[0][1]):
        middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        lines.append(
            f"| {clients} | {NAMES[name]} | {middle['rps']:.0f} | {middle['p50']:.1f} | {middle['p99']:.1f} "
            f"| {middle['cpu']:.2f} | {resident[name] / 1e6:.0f} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="python", help="interpreter with the servers' libraries")
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/serve.md")
    options = parser.parse_args()
    names, load = present(options.python), os.getloadavg()[0]
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = artifact(Path(scratch), options.model, options.size)
        # Absolute, but not resolved: a virtual environment is told by its link.
        python = os.path.abspath(options.python) if os.sep in options.python else options.python  # noqa: PTH100
        up: dict[str, tuple[int, Any]] = {n: stack.enter_context(server(n, python, folder)) for n in names}
        for number in range(options.rounds):
            for clients in CLIENTS:
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    one = measure(*up[name], clients, options.seconds)
                    found.setdefault((name, clients), []).append(one)
                    print(f"round {number + 1}, {clients} clients, {NAMES[name]}: {one['rps']:.0f} requests/s")
        lines = table(found, {name: memory(process) for name, (_, process) in up.items()})
    what = f"{options.model} at {options.size} pixels, {os.cpu_count()} cores, Python {platform.python_version()}"
    text = "\n".join([f"## {what}", "", f"Medians of {options.rounds} rounds of {options.seconds:g} s; load of the machine before: {load:.1f}.", "", *lines, ""])
    print(text)
    if options.write:
        results = HERE / "results" / "serve.md"
        head = "# Served artifacts\n\nWritten by `python benchmarks/serve.py --write`; what is measured is said there.\n"
        before = results.read_text("utf-8") if results.is_file() else head
        results.write_text(f"{before}\n{text}", "utf-8")


if __name__ == "__main__":
    main()
