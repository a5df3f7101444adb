# SPDX-License-Identifier: BSD-3-Clause
"""Every architecture of timm through the export and its gate, at the smallest input that it takes.

    python benchmarks/export_sweep.py [--format onnx] [--hours 1] [--timeout 240] [--memory 6] [--most 20]

One JSON line per architecture in `results/export_sweep.jsonl`, the cheapest (by parameters) first; what is in
there is not run again, so that the sweep can be stopped at any time. Each architecture runs in a process of
its own, forked from one that has loaded the libraries, with a limit of time and of memory. Weights are random.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results" / "export_sweep.jsonl"
SIDES = (32, 64, 96, 128, 160, 192, None)
CLASSES = ("a", "b", "c")


def main() -> None:
    options = _options()
    done = set()
    if options.results.is_file():
        for line in options.results.read_text("utf-8").splitlines():
            try:
                done.add(json.loads(line)["architecture"])
            except ValueError:
                continue
    _load_libraries()
    end = time.monotonic() + options.hours * 3600
    for name, params in architectures():
        if time.monotonic() > end or params > options.most * 1e6:
            break
        if name in done:
            continue
        row = _in_child(name, options)
        row = {"architecture": name, "format": options.format, "parameters": params, **row}
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(name, row.get("error") or f"ok at {row['side']}, {row['seconds']} s", flush=True)


def architectures() -> list[tuple[str, int]]:
    """Name and parameters of each architecture of timm, the smallest first."""
    from lepton_lab.catalog import models

    found: dict[str, int] = {}
    for entry in models("*", task="image-classification"):
        name = entry.name.partition(".")[0]
        if entry.source == "timm" and entry.params:
            found[name] = min(found.get(name, entry.params), entry.params)
    return sorted(found.items(), key=lambda pair: (pair[1], pair[0]))


def _load_libraries() -> None:
    import onnxruntime  # noqa: F401
    import onnxscript  # noqa: F401
    import timm  # noqa: F401
    import torch

    from lepton_lab.exporting import verify, writer  # noqa: F401

    torch.set_num_threads(1)


def _in_child(name: str, options: argparse.Namespace) -> dict[str, Any]:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_child, args=(theirs, name, options))
    child.start()
    theirs.close()
    try:
        if ours.poll(options.timeout):
            row: dict[str, Any] = ours.recv()
            return row
        return {"error": f"not done after {options.timeout:.0f} s"}
    except EOFError:
        child.join()
        return {"error": f"the process ended with {child.exitcode}"}
    finally:
        child.kill()
        child.join()


def _child(pipe: Connection, name: str, options: argparse.Namespace) -> None:
    limit = int(options.memory * 1e9)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        pipe.send(_export(name, options.format))
    except Exception as error:
        reason = getattr(error, "why", "") or f"{type(error).__name__}: {error}"
        pipe.send({"error": " ".join(reason.split())[:400]})


def _export(name: str, form: str) -> dict[str, Any]:
    from lepton_lab.exporting import Subject, export

    built, side = _smallest(name)
    subject = Subject(built, "image-classification", name, trained=False)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        artifact = export(subject, form, Path(folder) / "a.lepton")
        size, certificate = artifact.size, artifact.certificate
    found = certificate["formats"][form]
    return {
        "side": side,
        "seconds": round(time.perf_counter() - started, 1),
        "bytes": size,
        "agreement": found["agreement"],
        "largest_difference": found["largest_difference"],
        "tolerance": certificate["tolerance"],
    }


def _smallest(name: str) -> tuple[Any, int]:
    """The architecture at the first side of `SIDES` that it can be built for and computes."""
    import torch

    from lepton_lab.catalog import build
    from lepton_lab.spec import ModelSpec

    failure: Exception | None = None
    for side in SIDES:
        try:
            built = build(ModelSpec(name, weights="none", image_size=side), classes=CLASSES)
            step = built.preprocessing.get("crop") or built.preprocessing["resize"]
            height, width = step["size"]
            with torch.inference_mode():
                found = built.module.eval()(torch.zeros(2, 3, height, width))
            if tuple(found.shape) == (2, len(CLASSES)) and bool(torch.isfinite(found).all()):
                return built, int(height)
        except Exception as error:
            failure = error
    raise failure or ValueError("its outputs are not finite")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--format", default="onnx")
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--timeout", type=float, default=240, help="seconds per architecture")
    parser.add_argument("--memory", type=float, default=6, help="GB per architecture")
    parser.add_argument("--most", type=float, default=20, help="million parameters of the largest")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
