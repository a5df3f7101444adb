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

import numpy as np

from .errors import BundleError
from .manifest import check_files, is_safe_name, read_manifest
from .predictor import MODEL, Predictor, versions

EXPECTED = "golden/expected.json"


def verify(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Check every file, then replay the golden samples through the ONNX model.

    Returns:
        "files": number checked; "golden": number replayed (0 without an ONNX model);
        "top1_agreement": share of equal labels; "largest_difference": of a probability;
        "tolerance"; "seconds"; "versions".

    Raises:
        BundleError: Names the file that changed, or the sample whose answer differs.
    """
    started = time.perf_counter()
    manifest = read_manifest(folder)
    report: dict[str, Any] = {"files": check_files(folder, manifest), "golden": 0}
    if MODEL in manifest["files"]:
        report |= _replay(Predictor(folder))
        report["versions"] = dict(versions())
    return report | {"seconds": time.perf_counter() - started}


def _replay(predictor: Predictor) -> dict[str, Any]:
    expected = _expected(predictor.folder)
    tolerance = float(expected["tolerance"])
    samples = expected["samples"]
    answers = predictor.predict([predictor.folder / "golden" / s["file"] for s in samples])
    worst, agreed = 0.0, 0
    for sample, answer in zip(samples, answers, strict=True):
        wanted = np.asarray(sample["probabilities"], np.float32)
        difference = float(np.abs(answer.probabilities - wanted).max())
        label = predictor.labels[int(wanted.argmax())]
        if not difference <= tolerance:
            found = f"{answer.label} {answer.probability:.4f} instead of {label} {wanted.max():.4f}"
            limit = f"(difference {difference:.2g}, tolerance {tolerance:g})"
            raise BundleError(f"the answer is {found} {limit}", f"golden/{sample['file']}")
        worst, agreed = max(worst, difference), agreed + (answer.label == label)
    return {
        "golden": len(samples),
        "top1_agreement": agreed / len(samples) if samples else 1.0,
        "largest_difference": worst,
        "tolerance": tolerance,
    }


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
