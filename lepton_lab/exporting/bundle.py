# SPDX-License-Identifier: BSD-3-Clause
"""What lies in a `name.lepton` folder, and how it is put together.

manifest.json     what it is: task, labels, input, output, preprocessing, origin, hashes of files
model.*           the model, in one format or more
assets/           files that the preparation needs, such as a tokenizer
golden/           real validation samples and awkward ones, with the answers of the trained model
lepton_runtime/   the code that reads images and answers, the same that Lepton Lab itself uses
serve.py, ...     the server and what deploys it: see `lepton_lab.serving.deployment`
certificate.json  what the export gate measured
MODEL_CARD.md     the same for people
"""

from __future__ import annotations

import math
import platform
import shutil
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab import durable, runtime
from lepton_lab.errors import LeptonError
from lepton_lab.exporting.signatures import signatures
from lepton_lab.runtime.manifest import FORMAT_VERSION, MANIFEST, describe_file, list_files
from lepton_lab.runtime.predictor import ASSETS, MODEL
from lepton_lab.serving import write_deployment

if TYPE_CHECKING:
    from lepton_lab.exporting.contract import Format
    from lepton_lab.exporting.subject import Subject
    from lepton_lab.exporting.trial import Trial

RUNTIME = "lepton_runtime"
GOLDEN_REAL = 8
_RUNTIME_NEEDS = ("numpy>=1.26", "pillow>=11")
_ENGINE = "onnxruntime>=1.20"
_LIBRARIES = (
    "lepton-lab", "torch", "timm", "transformers", "onnx", "onnxruntime", "numpy", "pillow",
)  # fmt: skip


def stage(
    subject: Subject,
    trial: Trial,
    chosen: Sequence[Format],
    folder: Path,
    refused: MutableMapping[str, str] | None = None,
) -> dict[str, list[str]]:
    """Put together everything but certificate and card in an empty folder, and seal it.

    Args:
        subject: The model.
        trial: Its answers.
        chosen: The formats to write.
        folder: Empty.
        refused: Where the reasons of formats that cannot be written go; without it they are errors.

    Returns:
        For each format that was written the names of its files.

    Raises:
        LeptonError: The model cannot be written in one of the formats.
    """
    signature = signatures.get(subject.task)
    written: dict[str, list[str]] = {}
    for form in chosen:
        try:
            written[form.name] = form.write(subject, signature, folder)
        except LeptonError as error:
            if refused is None:
                raise
            refused[form.name] = error.why or error.what
    _write_golden(trial, subject, folder / "golden")
    _copy_runtime(folder / RUNTIME)
    for name, data in subject.built.files.items():
        if not signature.carries(name):
            continue
        place = folder / ASSETS / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    describe(subject, [form for form in chosen if form.name in written], folder)
    return written


def describe(subject: Subject, chosen: Sequence[Format], folder: Path) -> None:
    """Write manifest and requirements of a staged bundle, and seal it."""
    signature = signatures.get(subject.task)
    formats = [line for form in chosen for line in form.requirements]
    needs = dict.fromkeys([*_RUNTIME_NEEDS, *signature.requirements, *formats])
    (folder / "requirements.txt").write_text("\n".join(needs) + "\n", "utf-8")
    durable.write_json(folder / MANIFEST, _manifest(subject, chosen))
    if (folder / MODEL).is_file():
        write_deployment(folder, [*_RUNTIME_NEEDS, *signature.requirements, _ENGINE])
    seal(folder)


def seal(folder: Path) -> None:
    """Write size and hash of every file of a staged bundle into its manifest."""
    manifest = durable.read_json(folder / MANIFEST)
    names = sorted(name for name in list_files(folder) if name != MANIFEST)
    manifest["files"] = {name: describe_file(folder / name) for name in names}
    durable.write_json(folder / MANIFEST, manifest)


def plain(value: Any) -> Any:
    """A value as JSON can hold it: numbers that are not finite become words, the rest text.

    >>> plain({"loss": float("nan"), "shape": (1, 2)})
    {'loss': 'nan', 'shape': [1, 2]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return [plain(item) for item in value]
    return str(value)


def _manifest(subject: Subject, chosen: Sequence[Format]) -> dict[str, Any]:
    built = subject.built
    provenance = dict(subject.provenance)
    return {
        "format_version": FORMAT_VERSION,
        "name": subject.name,
        "task": subject.task,
        "trained": subject.trained,
        "labels": list(built.classes),
        "formats": [form.name for form in chosen],
        **signatures.get(subject.task).interface(built),
        "preprocessing": plain(built.preprocessing),
        "architecture": plain(built.config),
        "weights": built.weights,
        "licence": provenance.get("licence") or built.entry.licence or "not stated",
        "provenance": plain(provenance),
        "versions": _versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {},
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _write_golden(trial: Trial, subject: Subject, folder: Path) -> None:
    signature = signatures.get(subject.task)
    folder.mkdir()
    samples = []
    for number, row in enumerate(_golden_rows(trial)):
        sample = trial.samples[row]
        name = f"{number:03d}{signature.suffix(sample.data)}"
        (folder / name).write_bytes(sample.data)
        found = trial.of(row)
        about = {"file": name, "sample": sample.id, "target": sample.target}
        about["answer"] = str(trial.output.answer(found, trial.rows[row]))
        samples.append({**about, **trial.output.kept(found)})
    expected = {"tolerance": signature.golden, "samples": plain(samples)}
    durable.write_json(folder / "expected.json", expected)


def _golden_rows(trial: Trial) -> list[int]:
    """All awkward samples, and a few of the others, spread evenly."""
    rest = len(trial.samples) - trial.odd
    spread = np.unique(np.linspace(0, rest - 1, min(GOLDEN_REAL, rest)).astype(int))
    return [*range(trial.odd), *(trial.odd + int(i) for i in spread)]


def _copy_runtime(folder: Path) -> None:
    home = Path(runtime.__file__).parent
    (folder / "server").mkdir(parents=True)
    for source in sorted([*home.glob("*.py"), *home.glob("server/*.py")]):
        shutil.copyfile(source, folder / source.relative_to(home))
