# SPDX-License-Identifier: BSD-3-Clause
"""The self-test of an artifact: unchanged files, then the golden samples replayed.

The golden samples are real validation samples (as the files they were) and awkward ones made from
them; `golden/expected.json` holds what the trained model answered. The tolerance there is wider
than the export gate's, because another machine may bring another JPEG decoder, whose pixels may
differ by one level.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from .errors import BundleError
from .manifest import check_files, is_safe_name, read_manifest
from .outputs import Output, Outputs
from .predictor import MODEL, Predictor, versions

EXPECTED = "golden/expected.json"
_BATCH = 32


def verify(folder: str | os.PathLike[str], predictor: Predictor | None = None) -> dict[str, Any]:
    """Check every file, then replay the golden samples through the ONNX model.

    Args:
        folder: The artifact.
        predictor: Of that artifact, when it is loaded already.

    Returns:
        "files": number checked; "golden": number replayed (0 without an ONNX model);
        "largest_difference": of an answer, as its kind measures it (for classes, of a probability);
        "tolerance"; "seconds"; "versions".

    Raises:
        BundleError: Names the file that changed, or the sample whose answer differs.
    """
    started = time.perf_counter()
    manifest = read_manifest(folder)
    report: dict[str, Any] = {"files": check_files(folder, manifest), "golden": 0}
    if MODEL in manifest["files"]:
        report |= _replay(predictor or Predictor(folder))
        report["versions"] = dict(versions())
    return report | {"seconds": time.perf_counter() - started}


def golden_samples(folder: str | os.PathLike[str]) -> list[bytes]:
    """The real samples among the golden ones, as the files they were; all of them where none is real."""
    samples = _expected(Path(folder))["samples"]
    real = [s for s in samples if s.get("target") is not None] or samples
    return [(Path(folder) / "golden" / s["file"]).read_bytes() for s in real]


def _replay(predictor: Predictor) -> dict[str, Any]:
    expected = _expected(predictor.folder)
    tolerance = float(expected["tolerance"])
    samples, output = expected["samples"], predictor.output
    worst = 0.0
    for start in range(0, len(samples), _BATCH):
        part = samples[start : start + _BATCH]
        rows = [
            predictor.prepare((predictor.folder / "golden" / s["file"]).read_bytes()) for s in part
        ]
        for sample, row, found in zip(part, rows, predictor.outputs(rows), strict=True):
            gap = _gap(output, sample, found)
            if not gap <= tolerance:
                said = f"the answer is {output.answer(found, row)} instead of {sample.get('answer')}"
                limit = f"(difference {gap:.2g}, tolerance {tolerance:g})"
                raise BundleError(f"{said} {limit}", f"golden/{sample['file']}")
            worst = max(worst, gap)
    return {"golden": len(samples), "largest_difference": worst, "tolerance": tolerance}


def _gap(output: Output, sample: dict[str, Any], found: Outputs) -> float:
    try:
        return output.gap(sample, found)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"holds no answer of this kind ({error})", EXPECTED) from error


def _expected(folder: Path) -> dict[str, Any]:
    try:
        expected: dict[str, Any] = json.loads((folder / EXPECTED).read_text("utf-8"))
        names = [sample["file"] for sample in expected["samples"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleError(f"cannot be read ({error})", EXPECTED) from error
    for name in names:
        if not is_safe_name(name):
            raise BundleError(f"names {name!r}, which leaves the artifact", EXPECTED)
    return expected
