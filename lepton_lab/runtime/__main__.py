# SPDX-License-Identifier: BSD-3-Clause
"""The command line of an artifact, run inside its folder.

    python -m lepton_runtime predict cat.jpg dog.png
    python -m lepton_runtime verify

`--json` prints one JSON object instead of text; the exit code is 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .errors import BundleError, InputError
from .manifest import MANIFEST
from .predictor import Predictor, versions
from .probe import Compute, probe
from .verify import verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        result, lines = options.call(options)
    except (BundleError, InputError) as error:
        failure = {"ok": False, "reason": str(error), "file": getattr(error, "file", "")}
        print(
            json.dumps(failure) if options.json else error,
            file=sys.stdout if options.json else sys.stderr,
        )
        return 1
    print(json.dumps({"ok": True, **result}) if options.json else "\n".join(lines))
    return 0


def _predict(options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    answers = Predictor(options.artifact).predict(options.files, top=options.top)
    return {"predictions": [a.to_json() for a in answers]}, [str(answer) for answer in answers]


def _verify(options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    report = verify(options.artifact)
    lines = [f"{report['files']} files are unchanged."]
    if report["golden"]:
        worst, limit = report["largest_difference"], report["tolerance"]
        lines.append(
            f"{report['golden']} golden samples: largest difference of an answer {worst:.2g} "
            f"(tolerance {limit:g})."
        )
    return report, lines


def _probe(options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    model = Predictor(options.artifact)

    def computing(threads: int) -> Compute:
        return (Predictor(options.artifact, threads) if threads else model).compute

    found: dict[str, Any] = probe(
        model.preparer, computing, model.output, model.labels, options.samples, versions()
    )
    np.savez(options.output, **found)
    return {}, [f"The outputs are in {options.output}."]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lepton_runtime", description="Use this artifact."
    )
    parser.add_argument(
        "--artifact", type=Path, default=_home(), help="its folder, when not this one"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    predict = verbs.add_parser("predict", help="answers for files (or texts, or rows as JSON)")
    predict.add_argument("files", nargs="+", metavar="INPUT")
    predict.add_argument("--top", type=int, default=5, help="classes per image")
    predict.set_defaults(call=_predict)
    check = verbs.add_parser("verify", help="check every file and replay the golden samples")
    check.set_defaults(call=_verify)
    outputs = verbs.add_parser("probe", help="write all outputs for a folder of files to an .npz")
    outputs.add_argument("samples", type=Path)
    outputs.add_argument("output", type=Path)
    outputs.set_defaults(call=_probe)
    return parser


def _home() -> Path:
    """The artifact that this package lies in, or the current folder."""
    inside = Path(__file__).resolve().parent.parent
    return inside if (inside / MANIFEST).is_file() else Path.cwd()


if __name__ == "__main__":
    sys.exit(main())
