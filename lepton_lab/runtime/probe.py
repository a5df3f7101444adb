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
from typing import Any

import numpy as np

BATCH_SIZES = (1, 2, 5, 17)
_FRAMEWORKS = ("torch", "timm", "transformers", "lepton_lab")
_REPEATS = 5

Prepare = Callable[[Any], np.ndarray]
Compute = Callable[[np.ndarray], Mapping[str, np.ndarray]]


def probe(
    prepare: Prepare,
    compute: Compute,
    labels: Sequence[str],
    samples: Path,
    versions: Mapping[str, str],
) -> dict[str, np.ndarray]:
    """Run every sample of a folder.

    Args:
        prepare: Bytes of one sample to one row of input.
        compute: Rows (N, ...) to outputs by name, each (N, ...).
        labels: Class names.
        samples: Folder of files; their order is that of the names.
        versions: What the facts say about the libraries in use.

    Returns:
        "output/NAME/SIZE" for each output and batch size, (n, ...): all samples for the largest
        size, the first 2 * size + 1 for the others. "inputs": the SHA-256 of each prepared row.
        "labels": the class names. "facts": JSON with times in milliseconds, library versions and
        the frameworks that were loaded.
    """
    data = [path.read_bytes() for path in sorted(samples.iterdir())]
    started = time.perf_counter()
    rows = [prepare(item) for item in data]
    prepare_ms = (time.perf_counter() - started) * 1000 / len(rows)
    found = {"inputs": np.array([fingerprint(row) for row in rows]), "labels": np.array(labels)}
    for size in BATCH_SIZES:
        for name, values in run(compute, rows, size).items():
            found[f"output/{name}/{size}"] = values
    facts = {
        "prepare_ms": prepare_ms,
        "compute_ms": {str(size): _time(compute, rows, size) for size in (1, BATCH_SIZES[-1])},
        "versions": dict(versions),
        "frameworks": [name for name in _FRAMEWORKS if name in sys.modules],
    }
    return {**found, "facts": np.array(json.dumps(facts))}


def run(compute: Compute, rows: Sequence[np.ndarray], size: int) -> dict[str, np.ndarray]:
    """Outputs in batches of `size`, the last one shorter; see `probe` for how many rows are run."""
    chosen = batch_indexes(len(rows), size)
    parts = []
    for start in range(0, len(chosen), size):
        parts.append(compute(np.stack([rows[i] for i in chosen[start : start + size]])))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def batch_indexes(count: int, size: int) -> list[int]:
    """Which samples are run at a batch size; few samples are repeated until a batch is full.

    >>> batch_indexes(3, 2), batch_indexes(20, 2), len(batch_indexes(20, 17))
    ([0, 1, 2, 0, 1], [0, 1, 2, 3, 4], 20)
    """
    wanted = max(count, size) if size == BATCH_SIZES[-1] else 2 * size + 1
    return [i % count for i in range(wanted)]


def fingerprint(row: np.ndarray) -> str:
    """SHA-256 of an array's shape, type and values."""
    head = f"{row.shape}{row.dtype.str}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(row).tobytes()).hexdigest()


def _time(compute: Compute, rows: Sequence[np.ndarray], size: int) -> float:
    """The median time of a batch, in milliseconds."""
    batch = np.stack([rows[i % len(rows)] for i in range(size)])
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        compute(batch)
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times)[_REPEATS // 2]
