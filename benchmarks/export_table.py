# SPDX-License-Identifier: BSD-3-Clause
"""Architectures x export formats: parity, size, latency against eager PyTorch, seconds, and what cannot be written.

    python benchmarks/export_table.py [--only NAME ...] [--formats NAME ...] [--results DIR] [--timeout 600]

Weights are random. Each pair of architecture and format goes through the same gate as `model.export`, whose
figures are written as one JSON line to `export_table.jsonl`; pairs that are there already are not run again.
One child process per architecture, killed after `--timeout` seconds. `export_table.md` is made from the lines.
Latency is the export's time for one sample over that of eager PyTorch, with one thread, the best of fifteen
interleaved rounds each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
LINES, TABLE = "export_table.jsonl", "export_table.md"
FORMATS = ("onnx", "torch", "executorch", "safetensors")
CLASSES = ("a", "b", "c")
ROUNDS = 15
# Name -> side of its input; None where only its own works.
TIMM: dict[str, int | None] = {
    "resnet10t": 64,
    "mobilenetv3_small_050": 64,
    "efficientnet_lite0": 64,
    "convnext_atto": 64,
    "vit_tiny_patch16_224": 64,
    "regnetx_002": 64,
    "repvgg_a0": 64,
    "ghostnetv3_050": 64,
    "mobileone_s0": 64,
    "edgenext_xx_small": 64,
    "levit_128s": None,
    "pvt_v2_b0": 64,
    "mobilevit_xxs": 64,
    "fastvit_t8": 64,
    "poolformer_s12": 64,
    "mixer_s32_224": None,
    "swin_tiny_patch4_window7_224": None,
    "densenet121": 64,
}
TRANSFORMERS = {
    "bert": "text-classification",
    "roberta": "text-classification",
    "bert (tokens)": "token-classification",
    "wav2vec2": "audio-classification",
    "ast": "audio-classification",
    "detr": "object-detection",
    "conditional_detr": "object-detection",
    "yolos": "object-detection",
    "rt_detr": "object-detection",
    "segformer": "semantic-segmentation",
    "mobilevit (masks)": "semantic-segmentation",
    "dpt": "semantic-segmentation",
    "beit": "semantic-segmentation",
    "upernet": "semantic-segmentation",
}


def main() -> None:
    options = _options()
    if options.child:
        for form in options.formats:
            print(json.dumps(_examine(options.child, form)), flush=True)
        return
    lines = options.results / LINES
    options.results.mkdir(parents=True, exist_ok=True)
    done = {(row["architecture"], row["format"]) for row in read_lines(lines)}
    for name in options.only or (*TIMM, *TRANSFORMERS):
        missing = [form for form in options.formats if (name, form) not in done]
        if missing:
            with lines.open("a", encoding="utf-8") as file:
                for row in _run(name, missing, options.timeout):
                    file.write(json.dumps(row) + "\n")
                    print(name, row["format"], row.get("error") or "ok", flush=True)
        (options.results / TABLE).write_text(table(read_lines(lines)), "utf-8")


def _run(name: str, formats: list[str], timeout: float) -> list[dict[str, Any]]:
    """The rows of one architecture from a process of its own, also when that dies or hangs."""
    command = [sys.executable, __file__, "--child", name, "--formats", *formats]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, cwd=ROOT, check=False
        )
        output, reason = done.stdout, (done.stderr.strip() or "stopped").splitlines()[-1]
    except subprocess.TimeoutExpired as error:
        raw = error.stdout or b""
        output = raw.decode() if isinstance(raw, bytes) else raw
        reason = f"not done after {timeout:.0f} s"
    rows = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    have = {row["format"] for row in rows}
    lost = [form for form in formats if form not in have]
    return rows + [{"architecture": name, "format": form, "error": reason} for form in lost]


def _examine(name: str, form: str) -> dict[str, Any]:
    """Export one architecture in one format, behind the gate."""
    from lepton_lab.errors import LeptonError
    from lepton_lab.exporting import Subject
    from lepton_lab.exporting.bundle import stage
    from lepton_lab.exporting.registered import formats
    from lepton_lab.exporting.trial import make_trial
    from lepton_lab.exporting.verify import gate

    task = TRANSFORMERS.get(name, "image-classification")
    row: dict[str, Any] = {"architecture": name, "task": task, "format": form}
    try:
        with tempfile.TemporaryDirectory() as scratch:
            built = _cached(name, task, lambda: _build(name, task, Path(scratch)))
            subject = Subject(built, task, name, trained=False)
            trial = _cached(name, "trial", lambda: make_trial(subject))
            row["parameters"] = sum(p.numel() for p in built.module.parameters())
            folder = Path(scratch) / "a.lepton"
            folder.mkdir()
            started = time.perf_counter()
            written = stage(subject, trial, [formats.get(form)], folder)
            row["seconds"] = round(time.perf_counter() - started, 1)
            row["bytes"] = sum((folder / file).stat().st_size for file in written[form])
            certificate = gate(folder, subject, trial)
            section = certificate["formats"][form]
            row["tolerance"] = certificate["tolerance"]
            row["agreement"] = section["agreement"]
            row["largest_difference"] = section["largest_difference"]
            row |= _latency(form, folder, subject, trial)
    except LeptonError as error:
        row["error"] = " ".join((error.why or error.what).split())[:400]
    except Exception as error:
        row["error"] = f"{type(error).__name__}: {' '.join(str(error).split())}"[:400]
    return row


_CACHE: dict[tuple[str, str], Any] = {}


def _cached(name: str, what: str, make: Callable[[], Any]) -> Any:
    if (name, what) not in _CACHE:
        _CACHE[name, what] = make()
    return _CACHE[name, what]


def _latency(form: str, folder: Path, subject: Any, trial: Any) -> dict[str, float]:
    """Milliseconds for one sample with one thread, the export and eager PyTorch in turn, the best of each."""
    from lepton_lab.exporting.program import computing
    from lepton_lab.exporting.signatures import signatures
    from lepton_lab.runtime.inputs import preparer
    from lepton_lab.runtime.predictor import Predictor

    if form == "safetensors":
        return {}
    built = subject.built
    batch = preparer(built.preprocessing, built.files).collate(trial.rows[:1])
    eager = signatures.get(subject.task).compute(subject.module(), built.preprocessing)
    own = Predictor(folder, 1).compute if form == "onnx" else computing(form, folder)(1)
    best = {"milliseconds": float("inf"), "eager_milliseconds": float("inf")}
    for _ in range(ROUNDS):
        for name, compute in zip(best, (own, eager), strict=True):
            started = time.perf_counter()
            compute(batch)
            best[name] = min(best[name], (time.perf_counter() - started) * 1000)
    return best


def _build(name: str, task: str, scratch: Path) -> Any:
    from lepton_lab.catalog import build
    from lepton_lab.spec import ModelSpec

    if name in TIMM or task == "image-classification":
        spec = ModelSpec(name=name, weights="none", image_size=TIMM.get(name))
        return build(spec, classes=CLASSES)
    sys.path.insert(0, str(ROOT))
    kind, folder = name.split(" ")[0], scratch / "model"
    if task.startswith(("text", "token")):
        return _build_text(kind, task, folder)
    if task == "audio-classification":
        from tests.catalog import tiny_sounds

        make = tiny_sounds.wav2vec2 if kind == "wav2vec2" else tiny_sounds.spectrogram_transformer
        make(folder)
    elif task == "object-detection":
        from tests.catalog.tiny_detection import tiny_folder

        tiny_folder(folder, kind)
    else:
        from tests.catalog.tiny_segmentation import tiny_folder as tiny_masks

        tiny_masks(folder, kind)
    from lepton_lab.tasks import tasks

    return tasks.get(task).build(ModelSpec(name=str(folder)), None, 0)


def _build_text(kind: str, task: str, folder: Path) -> Any:
    import lepton_lab as lab
    from lepton_lab.catalog import find
    from lepton_lab.catalog.token_models import TOKENS
    from lepton_lab.spec import ModelSpec
    from lepton_lab.tasks import tasks
    from lepton_lab.tasks.token_models import use_words
    from tests.tiny_texts import make_text_model, make_texts

    spec = ModelSpec(name=str(make_text_model(folder, kind=kind, layers=4)))
    if task == "text-classification":
        rows = [{"text": text, "label": label} for text, label in make_texts(60)]
        return tasks.get(task).build(spec, lab.data(rows), 0)
    built = TOKENS.build(find(spec.name), spec, ("O", "B-x", "I-x"), 0)
    use_words(built, {"split": "punctuation", "max_length": 64, "stride": 16, "max_windows": 16})
    return built


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON lines of a file; none where there is none yet. A line cut short by a kill is left out."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_text("utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """The lines as Markdown."""
    by = {(row["architecture"], row["format"]): row for row in rows}
    names = list(dict.fromkeys(row["architecture"] for row in rows))
    lines = [
        "# Exports: architectures x formats",
        "",
        "Random weights; each export went through the gate of `model.export` (batches of 1, 2, 5, 17; threads 1 and",
        "2; awkward inputs). A cell holds: largest difference of an output (of its tolerance), share of equal answers, size, time of one",
        "sample against eager PyTorch (one thread, best of fifteen; not for weights alone), seconds to write (two cores, two at a time;",
        "the first format of an architecture also loads its libraries). Made by `benchmarks/export_table.py`.",
        "",
        f"| architecture | task | {' | '.join(FORMATS)} |",
        "|---" * (len(FORMATS) + 2) + "|",
    ]
    for name in names:
        cells = [_cell(by.get((name, form))) for form in FORMATS]
        task = next((r["task"] for r in rows if r["architecture"] == name and "task" in r), "")
        lines.append(f"| {name} | {task} | {' | '.join(cells)} |")
    failed = [row for row in rows if "error" in row]
    lines += ["", f"Written and proven: {len(rows) - len(failed)} of {len(rows)}."]
    lines += ["", "## What was refused, and why", ""] if failed else []
    lines += [f"- {row['architecture']}, {row['format']}: {_plain(row['error'])}" for row in failed]
    return "\n".join(lines) + "\n"


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not run"
    if "error" in row:
        return "refused"
    gaps, limits = row["largest_difference"], row.get("tolerance", {})
    name = max(gaps, key=lambda key: gaps[key] / limits.get(key, 1.0))
    limit = f" of {limits[name]:.0e}" if name in limits else ""
    parts = [f"{gaps[name]:.0e}{limit}", f"{row['agreement']:.3f}", f"{row['bytes'] / 1e6:.1f} MB"]
    if "milliseconds" in row:
        parts.append(f"{row['milliseconds'] / row['eager_milliseconds']:.2f} x")
    return ", ".join([*parts, f"{row['seconds']:.0f} s"])


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", help="architectures, when not all")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--timeout", type=float, default=600, help="seconds per architecture")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--formats", nargs="*", default=list(FORMATS), help="when not all")
    return parser.parse_args()


if __name__ == "__main__":
    main()
