# SPDX-License-Identifier: BSD-3-Clause
"""All outputs of a model for a folder of samples, as arrays in one file.

The export gate compares models by this: the same original bytes go through the model that was
trained and, in another process, through what was exported; the arrays must agree. Several batch
sizes are tried, because a graph may have frozen the one it was traced with.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from .inputs import Preparer, Row
from .outputs import Output

BATCH_SIZES = (1, 2, 5, 17)
_FRAMEWORKS = ("torch", "timm", "transformers", "lepton_lab")
_REPEATS = 5

Compute = Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]
Found = dict[str, list[np.ndarray]]


def probe(
    ready: Preparer,
    compute: Compute,
    output: Output,
    labels: Sequence[str],
    samples: Path,
    versions: Mapping[str, str],
) -> dict[str, np.ndarray]:
    """Run every sample of a folder.

    Args:
        ready: Prepares the bytes of a sample, and collates.
        compute: A collated batch to outputs by name, each (N, ...).
        output: Takes the outputs of a batch apart.
        labels: Class names.
        samples: Folder of files; their order is that of the names.
        versions: What the facts say about the libraries in use.

    Returns:
        "output/NAME/SIZE" for each output and batch size, the values of all samples in one row, and
        "shape/NAME/SIZE", the shape of each: all samples for the largest size, the first
        2 * size + 1 for the others; `unpacked` gives them back. "inputs": the SHA-256 of each prepared row.
        "labels": the class names. "facts": JSON with times in milliseconds, library versions and
        the frameworks that were loaded.
    """
    data = [path.read_bytes() for path in sorted(samples.iterdir())]
    started = time.perf_counter()
    rows = [ready.prepare(item) for item in data]
    prepare_ms = (time.perf_counter() - started) * 1000 / len(rows)
    found = {"inputs": np.array([fingerprint(row) for row in rows]), "labels": np.array(labels)}
    for size in BATCH_SIZES:
        for name, values in run(ready, compute, output, rows, size).items():
            found[f"shape/{name}/{size}"] = np.array([v.shape for v in values], dtype=np.int64)
            found[f"output/{name}/{size}"] = np.concatenate([v.ravel() for v in values])
    facts = {
        "prepare_ms": prepare_ms,
        "compute_ms": {str(size): _time(ready, compute, rows, size) for size in (1, BATCH_SIZES[-1])},
        "versions": dict(versions),
        "frameworks": [name for name in _FRAMEWORKS if name in sys.modules],
    }
    return {**found, "facts": np.array(json.dumps(facts))}


def run(
    ready: Preparer, compute: Compute, output: Output, rows: Sequence[Row], size: int
) -> Found:
    """Outputs sample by sample, in batches of `size`, the last one shorter; see `probe` for how many rows are run."""
    chosen = [rows[i] for i in batch_indexes(len(rows), size)]
    found: Found = {}
    for start in range(0, len(chosen), size):
        part = chosen[start : start + size]
        for sample in output.cut(compute(ready.collate(part)), part):
            for name, values in sample.items():
                found.setdefault(name, []).append(values)
    return found


def unpacked(arrays: Mapping[str, np.ndarray], name: str, size: int) -> list[np.ndarray]:
    """The arrays of one output at one batch size, as `probe` wrote them; none where it has no such output."""
    if f"shape/{name}/{size}" not in arrays:
        return []
    flat, found, start = arrays[f"output/{name}/{size}"], [], 0
    for shape in arrays[f"shape/{name}/{size}"]:
        count = int(np.prod(shape))
        found.append(flat[start : start + count].reshape(shape))
        start += count
    return found


def batch_indexes(count: int, size: int) -> list[int]:
    """Which samples are run at a batch size; few samples are repeated until a batch is full.

    >>> batch_indexes(3, 2), batch_indexes(20, 2), len(batch_indexes(20, 17))
    ([0, 1, 2, 0, 1], [0, 1, 2, 3, 4], 20)
    """
    wanted = max(count, size) if size == BATCH_SIZES[-1] else 2 * size + 1
    return [i % count for i in range(wanted)]


def fingerprint(row: Row) -> str:
    """SHA-256 of the names, shapes, types and values of a prepared sample."""
    digest = hashlib.sha256()
    for name, values in sorted(row.items()):
        digest.update(f"{name}{values.shape}{values.dtype.str}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _time(ready: Preparer, compute: Compute, rows: Sequence[Row], size: int) -> float:
    """The median time of a batch, in milliseconds."""
    batch = ready.collate([rows[i % len(rows)] for i in range(size)])
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        compute(batch)
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times)[_REPEATS // 2]
