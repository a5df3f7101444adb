# SPDX-License-Identifier: BSD-3-Clause
"""All outputs of a model for a folder of samples, as arrays in one file.

The export gate compares models by this: the same original bytes go through the model that was
trained and, in another process, through what was exported; the arrays must agree. Several batch
sizes are tried, because a graph may have frozen the one it was traced with.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .inputs import Preparer, Row, Staged
from .outputs import Output

BATCH_SIZES = (1, 2, 5, 17)
THREADS = (1, 2)
"""Numbers of threads that the largest batches are computed with once more."""
MODEL, POST_PROCESS = "model", "post-process"
"""The stages behind the preparation."""
_FRAMEWORKS = ("torch", "timm", "transformers", "lepton_lab")
_REPEATS = 5

Compute = Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]
Cut = Callable[[Mapping[str, np.ndarray], Sequence[Row]], Sequence[Mapping[str, np.ndarray]]]
Found = dict[str, list[np.ndarray]]
Print = tuple[str, str, list[int]]
_Made = TypeVar("_Made")


class _Failed(Exception):
    """A step went wrong; `facts` say which, as in "failed" of `probe`."""

    def __init__(self, error: Exception, stage: str, sample: int, done: Sequence[Print]) -> None:
        reason = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
        super().__init__(reason)
        self.facts = {"reason": reason, "stage": stage, "sample": sample, "done": list(done)}


def probe(
    ready: Preparer,
    computing: Callable[[int], Compute],
    output: Output,
    labels: Sequence[str],
    samples: Path,
    versions: Mapping[str, str],
) -> dict[str, np.ndarray]:
    """Run every sample of a folder.

    Args:
        ready: Prepares the bytes of a sample, and collates.
        computing: A number of threads (0: as many as the library wants) to a function from a collated
            batch to outputs by name, each (N, ...).
        output: Takes the outputs of a batch apart.
        labels: Class names.
        samples: Folder of files; their order is that of the names. A name may be NUMBER-FINGERPRINT,
            which says what the sample should become.
        versions: What the facts say about the libraries in use.

    Returns:
        "output/NAME/SIZE" for each output and batch size, the values of all samples in one row, and
        "shape/NAME/SIZE", the shape of each: all samples for the largest size, the first
        2 * size + 1 for the others; "output/NAME/SIZE/THREADS" for the largest size and each of
        `THREADS`; `unpacked` gives them back. "inputs": the SHA-256 of each prepared row. "stages": JSON,
        `stage_prints` of the first sample that did not become what it should. "labels": the class
        names. "facts": JSON with times in milliseconds, library versions and the frameworks that were
        loaded. Where a step fails only "failed": JSON with the reason and the stage; of a preparation the
        number of the sample and, instead of the stage, `stage_prints` of what was done.
    """
    try:
        return _probed(ready, computing, output, labels, samples, versions)
    except _Failed as error:
        return {"failed": np.array(json.dumps(error.facts))}


def _probed(
    ready: Preparer,
    computing: Callable[[int], Compute],
    output: Output,
    labels: Sequence[str],
    samples: Path,
    versions: Mapping[str, str],
) -> dict[str, np.ndarray]:
    paths = sorted(samples.iterdir())
    data = [path.read_bytes() for path in paths]
    started = time.perf_counter()
    rows = [_prepared(ready, item, number) for number, item in enumerate(data)]
    prepare_ms = (time.perf_counter() - started) * 1000 / len(rows)
    found = {"inputs": np.array([fingerprint(row) for row in rows]), "labels": np.array(labels)}
    wanted = [path.name.partition("-")[2] for path in paths]
    wrong = [i for i, key in enumerate(wanted) if key and found["inputs"][i] != key]
    found["stages"] = np.array(json.dumps(stage_prints(ready, data[wrong[0]]) if wrong else []))
    loaded, cut = _told(computing, MODEL), _told(output.cut, POST_PROCESS)
    compute = _told(loaded(0), MODEL)
    for size in BATCH_SIZES:
        found |= _packed(run(ready, compute, cut, rows, size), str(size))
    for threads in THREADS:
        largest = run(ready, _told(loaded(threads), MODEL), cut, rows, BATCH_SIZES[-1])
        found |= _packed(largest, f"{BATCH_SIZES[-1]}/{threads}")
    facts = {
        "prepare_ms": prepare_ms,
        "compute_ms": {str(size): _time(ready, compute, rows, size) for size in (1, BATCH_SIZES[-1])},
        "versions": dict(versions),
        "frameworks": [name for name in _FRAMEWORKS if name in sys.modules],
    }
    return {**found, "facts": np.array(json.dumps(facts))}


def run(ready: Preparer, compute: Compute, cut: Cut, rows: Sequence[Row], size: int) -> Found:
    """Outputs sample by sample, in batches of `size`, the last one shorter; see `probe` for how many rows are run."""
    chosen = [rows[i] for i in batch_indexes(len(rows), size)]
    found: Found = {}
    for start in range(0, len(chosen), size):
        part = chosen[start : start + size]
        for sample in cut(compute(ready.collate(part)), part):
            for name, values in sample.items():
                found.setdefault(name, []).append(values)
    return found


def unpacked(
    arrays: Mapping[str, np.ndarray], name: str, size: int, threads: int = 0
) -> list[np.ndarray]:
    """The arrays of one output at one batch size, as `probe` wrote them; none where it has no such output."""
    key = f"{size}/{threads}" if threads else str(size)
    if f"shape/{name}/{key}" not in arrays:
        return []
    flat, found, start = arrays[f"output/{name}/{key}"], [], 0
    for shape in arrays[f"shape/{name}/{key}"]:
        count = int(np.prod(shape))
        found.append(flat[start : start + count].reshape(shape))
        start += count
    return found


def stage_prints(ready: Preparer, source: Any) -> list[Print]:
    """Each step of a sample's preparation with the SHA-256 and the shape of what it makes, up to one that fails."""
    found = []
    # An input that cannot be used, or a rule that cannot be carried out.
    with contextlib.suppress(Exception):
        for name, values in ready.stages(source) if isinstance(ready, Staged) else ():
            found.append((name, fingerprint({"": values}), list(values.shape)))
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


def _prepared(ready: Preparer, source: Any, number: int) -> Row:
    try:
        return ready.prepare(source)
    except Exception as error:
        raise _Failed(error, "", number, stage_prints(ready, source)) from error


def _told(function: Callable[..., _Made], stage: str) -> Callable[..., _Made]:
    """The same function; when it fails, it says at which stage."""

    def telling(*arguments: Any) -> _Made:
        try:
            return function(*arguments)
        except Exception as error:
            raise _Failed(error, stage, -1, ()) from error

    return telling


def _packed(outputs: Found, key: str) -> dict[str, np.ndarray]:
    """Arrays of any shape as one row and the list of their shapes."""
    packed = {}
    for name, values in outputs.items():
        packed[f"shape/{name}/{key}"] = np.array([v.shape for v in values], dtype=np.int64)
        packed[f"output/{name}/{key}"] = np.concatenate([v.ravel() for v in values])
    return packed


def _time(ready: Preparer, compute: Compute, rows: Sequence[Row], size: int) -> float:
    """The median time of a batch, in milliseconds."""
    batch = ready.collate([rows[i % len(rows)] for i in range(size)])
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        compute(batch)
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times)[_REPEATS // 2]
