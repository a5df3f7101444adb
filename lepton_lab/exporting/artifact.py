# SPDX-License-Identifier: BSD-3-Clause
"""`Artifact`: a model on disk that was proven to compute what the trained model computes.

It answers (`predict`), proves that it is as it was written (`verify`), travels as one file (`zip`).
Answers come from the torch-free runtime of the installed Lepton Lab, never from code that an
artifact brings along.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab import durable
from lepton_lab.errors import DataError, NotFoundError, StorageError, did_you_mean
from lepton_lab.exporting.archive import pack, unpack
from lepton_lab.exporting.benchmark import Benchmark, benchmark
from lepton_lab.exporting.card import score_text
from lepton_lab.exporting.download import Download
from lepton_lab.exporting.process import run_python
from lepton_lab.rendering import Card, Table, duration, size
from lepton_lab.runtime.errors import BundleError, InputError
from lepton_lab.runtime.manifest import MANIFEST, read_manifest
from lepton_lab.runtime.predictor import MODEL, Predictor

if TYPE_CHECKING:
    from lepton_lab.serving import Serving

SUFFIX = ".lepton"
# Kind of input -> something to ask, as the card says it.
_ASKED = {
    "image": '"cat.jpg"',
    "text": '"a sentence"',
    "words": '"a sentence"',
    "sound": '"clip.wav"',
    "row": '{"column": value, ...}',
}


@dataclass(frozen=True)
class Verification:
    """The result of `Artifact.verify`.

    Attributes:
        files: Files that were found unchanged.
        golden: Golden samples that were replayed; 0 without an ONNX model.
        largest_difference: Of an answer; for classes, of a probability.
        seconds: How long it took.
    """

    files: int
    golden: int
    largest_difference: float
    seconds: float

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        facts = {
            "files": f"{self.files} unchanged",
            "golden samples": f"{self.golden} answered as before" if self.golden else "none",
            "largest difference": f"{self.largest_difference:.1e}",
            "time": duration(self.seconds),
        }
        return Card("The artifact is as it was written.", facts)._repr_mimebundle_()


class Artifact:
    """A bundle on disk.

    Args:
        path: Its folder.

    Raises:
        StorageError: The folder is no artifact, or its manifest is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._unpacked: tempfile.TemporaryDirectory[str] | None = None
        with _told(self.path):
            self.manifest: dict[str, Any] = read_manifest(self.path)

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the outputs."""
        return tuple(self.manifest["labels"])

    @property
    def certificate(self) -> dict[str, Any]:
        """What the gate measured: see `certificate.json`."""
        found: dict[str, Any] = durable.read_json(self.path / "certificate.json")
        return found

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(int(facts["size"]) for facts in self.manifest["files"].values())

    def predict(self, inputs: Any, top: int = 5) -> Any:
        """The answer for one input, or a list of answers for a list of inputs.

        Args:
            inputs: What the task takes: for images a path, bytes, a Pillow image or an array; for text a
                string; for a row a dict. Or a list of these.
            top: Classes that a prediction lists when printed.

        Raises:
            DataError: An input cannot be used, and why.
            StorageError: A file of the artifact was changed, or it holds no ONNX model.
        """
        many = isinstance(inputs, (list, tuple))
        with _told(self.path):
            try:
                answers = self._predictor.predict(list(inputs) if many else [inputs], top)
            except InputError as error:
                name = error.name or "The input"
                raise DataError(f"{name} cannot be used.", f"{error.reason}.") from error
        return answers if many else answers[0]

    def verify(self) -> Verification:
        """Check every file, then replay the golden samples, in a fresh process without torch.

        The process runs the runtime of the installed Lepton Lab, not the copy in the artifact: an
        artifact from elsewhere is checked before any of its code is run.

        Raises:
            StorageError: Names the file that is missing, changed or added, or the golden sample
                whose answer differs.
        """
        command = [
            "-m",
            "lepton_lab.runtime",
            "--json",
            "--artifact",
            str(self.path.resolve()),
            "verify",
        ]
        with tempfile.TemporaryDirectory() as nowhere:
            done = run_python(command, Path(nowhere))
        try:
            report = json.loads(done.stdout.splitlines()[-1])
        except (ValueError, IndexError) as error:
            reason = (done.stderr.strip() or "It stopped without a word.").splitlines()[-1]
            raise StorageError(f"{self.path.name} could not be verified.", reason) from error
        if not report["ok"]:
            raise _damaged(self.path, report["reason"])
        return Verification(
            report["files"],
            report["golden"],
            report.get("largest_difference", 0.0),
            report["seconds"],
        )

    def benchmark(self, batch_sizes: Sequence[int] = (1, 8, 32), seconds: float = 2.0) -> Benchmark:
        """How fast it answers here, with the runtime that serves it: p50 and p95 by batch size.

        Args:
            batch_sizes: How many inputs at once; of the artifact's own golden samples.
            seconds: How long to measure in all; each size is measured at least five times.

        Raises:
            DataError: Sizes or seconds that cannot be measured.
            StorageError: A file was changed, or it holds no ONNX model.
        """
        with _told(self.path):
            return benchmark(self.path, batch_sizes, seconds)

    def serve(self, port: int = 0, **options: Any) -> Serving:
        """Answer over HTTP from a process of its own, after every file and golden sample was checked.

        Args:
            port: On this machine; 0 takes a free one.
            **options: See `lepton_lab.serving.start`.

        Returns:
            Its address, its token, `predict` and `stop`; it also ends with this process.

        Raises:
            LeptonError: The server's libraries are missing, or an option is unknown.
            StorageError: A file was changed, or the port is taken.
        """
        from lepton_lab.serving import start

        return start(self.path, port, **options)

    def zip(self, to: str | Path | None = None) -> Path:
        """Write the artifact as one .zip; beside it, under its name, when `to` is left out."""
        target = Path(to) if to is not None else self.path.with_name(f"{self.path.name}.zip")
        with _told(self.path):
            return pack(self.path, target)

    def download(self, to: str | Path | None = None) -> Download:
        """The artifact as one .zip, and in a notebook the link that saves it; see `zip`."""
        return Download(self.zip(to))

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor(self.path)

    def __repr__(self) -> str:
        return f"Artifact({str(self.path)!r})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        manifest = self.manifest
        facts = {
            "task": manifest["task"],
            "formats": ", ".join(manifest["formats"]),
            "size": f"{size(self.size)} in {len(manifest['files'])} files",
        }
        if not manifest["trained"]:
            facts["weights"] = "untrained: the answers mean nothing"
        refused = self.certificate.get("refused") or {}
        if refused:
            facts["left out"] = "; ".join(f"{name}: {why}" for name, why in refused.items())
        steps = ["artifact.verify()", "artifact.download()", f"artifact.predict({_ASKED.get(manifest['input']['kind'], '...')})"]
        if MODEL not in manifest["files"]:
            use = f"lab.load_model({str(self.path)!r})"
            if "safetensors" not in manifest["formats"]:
                use = f"cd {self.path} && python program.py {manifest['formats'][0]} predict FILE"
            steps = ["artifact.verify()", use]
        classes = f": {len(self.labels)} classes" if self.labels else ""
        title = f"{self.path.name}{classes}"
        return Card(title, facts, (self._parity(), self._tree()), steps)._repr_mimebundle_()

    def _parity(self) -> Table:
        certificate = self.certificate
        tried = certificate["samples"]
        rows = [
            (
                name,
                f"{found['agreement']:.3f}",
                ", ".join(f"{key} {gap:.1e}" for key, gap in found["largest_difference"].items()),
                score_text((found["metric"] or {}).get("after")),
                f"{found['milliseconds']['compute']['1']:.1f}",
            )
            for name, found in certificate["formats"].items()
        ]
        columns = ("format", "agreement", "largest difference", "metric", "ms per sample")
        title = f"compared with PyTorch on {tried['all']} samples ({tried['real']} held out)"
        return Table(columns, rows, title)

    def _tree(self) -> Table:
        """Files and folders of the first level with their size."""
        sizes: dict[str, int] = {MANIFEST: (self.path / MANIFEST).stat().st_size}
        for name, facts in self.manifest["files"].items():
            first, _, inner = name.partition("/")
            key = f"{first}/" if inner else first
            sizes[key] = sizes.get(key, 0) + int(facts["size"])
        return Table(
            ("file", "size"), [(name, size(count)) for name, count in sorted(sizes.items())]
        )


def load_artifact(path: str | Path) -> Artifact:
    """The artifact in a folder or a .zip.

    Args:
        path: `name.lepton`, or the .zip of one; a .zip is unpacked to a temporary folder that lives
            as long as the returned object.

    Raises:
        NotFoundError: There is nothing at `path`; similar names are given.
        StorageError: It is no artifact, is damaged, or would unpack to somewhere else.
    """
    path = Path(path)
    if path.is_file():
        folder = tempfile.TemporaryDirectory(prefix="lepton-")
        artifact = Artifact(unpack(path, Path(folder.name)))
        artifact._unpacked = folder
        return artifact
    if not path.is_dir():
        beside = [p.name for p in path.parent.glob(f"*{SUFFIX}*")] if path.parent.is_dir() else []
        found = did_you_mean(path.name, beside) or f"Looked in {path.resolve().parent}."
        raise NotFoundError(f"There is no artifact '{path.name}'.", found, "lab.runs()")
    return Artifact(path)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """The runtime's error about a bundle as Lepton Lab's."""
    try:
        yield
    except BundleError as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, reason: str) -> StorageError:
    todo = "Export it again, or copy it again from where it came."
    return StorageError(f"{path.name} cannot be used as it is.", f"{reason}.", todo)
