# SPDX-License-Identifier: BSD-3-Clause
"""What a smaller model costs and gains, measured here: size, time beside the original, metric, agreement.

The same held-out samples go through every file. The difference of the metric is taken in pairs, because two
models that share their luck differ by less than their intervals say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.compression.graphs import run, session
from lepton_lab.exporting.signature import Score
from lepton_lab.exporting.signatures import signatures
from lepton_lab.metrics import PairedDifference, paired_difference, wilson
from lepton_lab.runtime.errors import InputError
from lepton_lab.runtime.inputs import Preparer, Row
from lepton_lab.runtime.outputs import Output

if TYPE_CHECKING:
    from lepton_lab.datasets import Split
    from lepton_lab.exporting.signature import Outputs

# Errors: the smaller the better. All other headline metrics are shares.
ERRORS = frozenset({"rmse", "mae"})
MOST = 2000
_GROUPS = 20
# Of Student's t with 19 degrees of freedom.
_QUANTILE = 2.093
_TIMED = 40
_WARM = 3


@dataclass(frozen=True)
class HeldOut:
    """Prepared held-out samples with their targets, spread evenly over a split that is too long.

    Attributes:
        rows: As the runtime prepares them.
        targets: Encoded labels.
        ready: What collates rows.
        reads: What takes outputs apart.
        task: Name of the task.
    """

    rows: tuple[Row, ...]
    targets: tuple[Any, ...]
    ready: Preparer
    reads: Output
    task: str


@dataclass(frozen=True)
class Measured:
    """One file on the held-out samples.

    Attributes:
        size: Bytes of the file.
        outputs: By name, one array per sample.
        score: The headline metric with its interval.
        difference: Of the metric to the original, in pairs; None without labelled samples.
        agreement: Share of samples with the original's answer.
        milliseconds: p50 and p95 of one sample.
        ratio: Median of its time divided by the original's, one after the other.
    """

    size: int
    outputs: Outputs
    score: Score
    difference: PairedDifference | None
    agreement: float
    milliseconds: tuple[float, float]
    ratio: float


def held_out(split: Split, task: str, ready: Preparer, reads: Output) -> HeldOut:
    """The labelled samples of a split that can be read, at most `MOST`."""
    chosen = np.unique(np.linspace(0, len(split) - 1, min(MOST, len(split))).round().astype(int))
    rows, targets = [], []
    for i in map(int, chosen):
        if split[i].label is None:
            continue
        try:
            rows.append(ready.prepare(split.read_bytes(i)))
        except InputError:
            continue
        targets.append(split[i].label)
    return HeldOut(tuple(rows), tuple(targets), ready, reads, task)


def measure(
    path: Path, original: Path, samples: HeldOut, reference: Outputs | None, theirs: HeldOut
) -> Measured:
    """Run a file over the samples, and time it in turns with the original.

    Args:
        path: The ONNX file.
        original: That of the model it is compared with.
        samples: As the model of `path` takes them.
        reference: The original's outputs; None when `path` is the original.
        theirs: The same samples as the original takes them.
    """
    signature, live = signatures.get(samples.task), session(path)
    outputs = _outputs(live, samples)
    base = reference if reference is not None else outputs
    mine, other = _timed(live, samples, session(original), theirs)
    return Measured(
        path.stat().st_size,
        outputs,
        signature.score(outputs, samples.targets),
        difference(base, outputs, samples) if len(samples.targets) else None,
        float(np.mean(signature.agrees(base, outputs))) if samples.rows else float("nan"),
        (float(np.quantile(mine, 0.5)) * 1e3, float(np.quantile(mine, 0.95)) * 1e3),
        float(np.median(mine / other)),
    )


def difference(before: Outputs, after: Outputs, samples: HeldOut) -> PairedDifference:
    """How much the headline metric changes, with its 95 % interval over the same samples.

    Metrics that are no mean over samples (of boxes, masks, spans) are costly to resample: their error comes from
    leaving out one of twenty groups of samples at a time (the jackknife).
    """
    if "probabilities" in before and np.ndim(samples.targets[0]) == 0 and before["probabilities"][0].ndim == 1:
        a, b = np.stack(before["probabilities"]), np.stack(after["probabilities"])
        return paired_difference(np.asarray(samples.targets), a, b, "accuracy")
    score = signatures.get(samples.task).score

    def change(rows: Sequence[int]) -> float:
        values = [
            score({k: [v[i] for i in rows] for k, v in outputs.items()}, [samples.targets[i] for i in rows]).value
            for outputs in (before, after)
        ]
        return values[1] - values[0]

    n = len(samples.targets)
    point, groups = change(range(n)), min(_GROUPS, n)
    order = np.random.default_rng(0).permutation(n)
    left = [np.sort(order[np.arange(n) % groups != group]).tolist() for group in range(groups)]
    without = np.array([change(rows) for rows in left if rows] or [np.nan])
    error = np.sqrt((groups - 1) / groups * ((without - without.mean()) ** 2).sum())
    low, high = point - _QUANTILE * float(error), point + _QUANTILE * float(error)
    name = score({k: v[:n] for k, v in before.items()}, samples.targets).name
    if low == high == 0 and name not in ERRORS:  # nothing tells them apart: what n samples can rule out
        high = wilson(0, n)[1]
        low = -high
    return PairedDifference(name, point, low, high, n)


def worst_drop(found: PairedDifference) -> float:
    """The bad end of the interval as a drop, positive where the metric may have become worse."""
    return found.high if found.metric in ERRORS else -found.low


def likely_drop(found: PairedDifference) -> float:
    """The drop itself, negative where the metric became better."""
    return found.difference if found.metric in ERRORS else -found.difference


def verdict(found: Measured, max_drop: float) -> tuple[bool, str]:
    """Whether the drop is within the bound by its interval, and in words."""
    change = found.difference
    if change is None or not np.isfinite(change.low):
        return False, "no labelled samples to judge by"
    if worst_drop(change) <= max_drop:
        return True, "within the bound"
    if likely_drop(change) > max_drop:
        return False, f"drops by more than {max_drop:g}"
    return False, "not enough samples to know"


def computing(live: Any) -> Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]:
    """A session as the runtime's `Compute`."""
    return lambda batch: run(live, batch)


def _outputs(live: Any, samples: HeldOut) -> dict[str, list[np.ndarray]]:
    """Sample by sample, one at a time, as a user asks."""
    found: dict[str, list[np.ndarray]] = {}
    for row in samples.rows:
        for name, values in samples.reads.cut(run(live, samples.ready.collate([row])), [row])[0].items():
            found.setdefault(name, []).append(values)
    return found


def _timed(
    live: Any, samples: HeldOut, other: Any, theirs: HeldOut
) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of single samples by two sessions in turns, so that what else the machine does strikes both."""
    if not samples.rows or not theirs.rows:
        return np.full(1, np.nan), np.full(1, np.nan)
    times = []
    for i in range(_WARM + _TIMED):
        pair = []
        for one, held in ((live, samples), (other, theirs)):
            batch = held.ready.collate([held.rows[i % len(held.rows)]])
            started = time.perf_counter()
            run(one, batch)
            pair.append(time.perf_counter() - started)
        times.append(pair)
    mine, rest = np.array(times[_WARM:]).T
    return mine, rest
