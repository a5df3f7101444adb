# SPDX-License-Identifier: BSD-3-Clause
"""Answers from `model.pt2` or `model.pte`, with the preparation that lies beside them in the artifact.

    python program.py torch predict cat.jpg
    python program.py executorch predict cat.jpg

This file is copied into the artifact, where `lepton_runtime` is its neighbour; it needs torch or
executorch, and neither Lepton Lab nor the library that the model came from. Lepton Lab itself runs it
only in a fresh process that was started in the artifact.

`torch.export.load` of a file from elsewhere is not safe: it unpickles what the archive's records say is
a pickle, looks for the operators of the graph anywhere below `torch`, and evaluates the text of symbolic
sizes. So `check_program` looks at the archive first and lets pass only what an export of Lepton Lab
holds: raw tensors, operators of PyTorch's own kernels, sizes that are arithmetic, no example inputs.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Arrays = Mapping[str, Any]
Compute = Callable[[Arrays], dict[str, Any]]

ABOUT = "program.json"
FILES = {"torch": "model.pt2", "executorch": "model.pte"}
_MEMBER = re.compile(
    r"data/weights/weight_\d+|data/constants/tensor_\d+|data/\w+/model_\w+_config\.json|models/model\.json"
    r"|data/sample_inputs/model\.pt|archive_format|archive_version|byteorder|\.data/(version|serialization_id)"
)
_TARGET = re.compile(
    r"torch\.ops\.(aten|prims)\.(__(and|or|xor)__|(?!__|from_file)\w+)\.(?!__)\w+|_operator\.(add|sub|mul|floordiv|mod|neg|pow|eq|ne|lt|le|gt|ge|and_|or_|getitem)"
    r"|torch\.sym_(int|float|max|min|not|ite)|math\.(ceil|floor|trunc)|torch\.ops\.higher_order\.wrap_with_set_grad_enabled"
)
# What begins like this is looked for below the module `torch`, `operator` or `math`.
_CALLED = ("torch", "_operator", "math", "#")
_TYPE = re.compile(r'"type": *"([^"]*)"')
_CONTAINERS = {"builtins.tuple", "builtins.list", "builtins.dict"}
_SIZE_WORD = re.compile(
    r"[su]\d+|Symbol|Integer|Rational|Add|Mul|Pow|Max|Min|Mod|PythonMod|FloorDiv|CleanDiv|CeilDiv|ModularIndexing"
    r"|positive|integer|nonnegative|True|False"
)
_SIZE = re.compile(r"[\w\s+\-*/()=,']*")
_LARGEST_RECORD = 1 << 28


class ProgramError(Exception):
    """The file is not what an export of Lepton Lab holds, and was not loaded."""


def check_program(path: Path) -> None:
    """Look at a .pt2 archive without loading it.

    Raises:
        ProgramError: It could do more than compute: a pickle, a compiled library, an unknown operator,
            a size that is not arithmetic.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive.infolist())
            records = {
                info.filename.partition("/")[2]: json.loads(archive.read(info))
                for info in archive.infolist()
                if info.filename.endswith(".json")
            }
    except (OSError, ValueError, RecursionError, zipfile.BadZipFile) as error:
        raise ProgramError(f"{path.name} cannot be read ({error})") from error
    for name, record in records.items():
        for key, value in _pairs(record):
            problem = _problem(key, value)
            if problem:
                raise ProgramError(f"{path.name} was not loaded: {name} {problem}")


def _check_members(members: Sequence[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in members]
    if len(set(names)) < len(names) or len({name.partition("/")[0] for name in names}) != 1:
        raise ValueError("its members are not those of one program")
    for info in members:
        inside = info.filename.partition("/")[2]
        if not _MEMBER.fullmatch(inside):
            raise ValueError(f"it holds {inside[:80]!r}, which is no part of a program")
        if inside.startswith("data/sample_inputs/") and info.file_size:
            raise ValueError("it holds example inputs, which are a pickle")
        if inside.endswith(".json") and info.file_size > _LARGEST_RECORD:
            raise ValueError(f"its member {inside} is too large")


def _pairs(record: Any) -> Iterator[tuple[str, Any]]:
    """Every key and value of a JSON document, at any depth."""
    pending = [record]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            yield from item.items()
            pending += item.values()
        elif isinstance(item, list):
            pending += item


def _problem(key: str, value: Any) -> str:
    """What is wrong with one entry of a record, or nothing."""
    if key == "use_pickle" and value is not False:
        return "names a pickle"
    if key == "path_name" and not re.fullmatch(r"(weight|tensor)_\d+", str(value)):
        return f"names the file {str(value)[:80]!r}"
    if key == "target" and str(value).startswith(_CALLED) and not _TARGET.fullmatch(str(value)):
        return f"calls {value[:80]!r}"
    if key in ("in_spec", "out_spec") and set(_TYPE.findall(str(value))) - _CONTAINERS:
        return "takes or gives more than tensors"
    if key == "guards_code" and value:
        return "brings code along"
    if key == "expr_str" and not _is_arithmetic(str(value)):
        return f"has the size {str(value)[:80]!r}"
    return ""


def _is_arithmetic(text: str) -> bool:
    words = re.findall(r"[A-Za-z_]\w*", text)
    return bool(_SIZE.fullmatch(text)) and all(_SIZE_WORD.fullmatch(word) for word in words)


def computing(kind: str, folder: Path) -> Callable[[int], Compute]:
    """From a number of threads (0: as the library wants) to the function that runs the model.

    Args:
        kind: "torch" or "executorch".
        folder: The artifact.

    Raises:
        ProgramError: See `check_program`.
    """
    about = json.loads((folder / ABOUT).read_text("utf-8"))
    names, outputs = about["inputs"], about["outputs"]
    loaded = _torch_program if kind == "torch" else _edge_program
    run = loaded(folder / FILES[kind])

    def at(threads: int) -> Compute:
        def compute(batch: Arrays) -> dict[str, Any]:
            found = run([batch[name] for name in names], threads)
            return dict(zip(outputs, found, strict=True))

        return compute

    return at


Run = Callable[[Sequence[Any], int], list[Any]]


def _torch_program(path: Path) -> Run:
    import torch

    check_program(path)
    module = torch.export.load(path).module()
    own = torch.get_num_threads()

    def run(arrays: Sequence[Any], threads: int) -> list[Any]:
        torch.set_num_threads(threads or own)
        with torch.inference_mode():
            return [found.numpy() for found in module(*map(torch.from_numpy, arrays))]

    return run


def _edge_program(path: Path) -> Run:
    import numpy as np
    import torch
    from executorch.extension.pybindings import portable_lib
    from executorch.runtime import Runtime

    own = portable_lib._threadpool_get_thread_count()
    held: list[Any] = []

    def method_at(threads: int) -> Any:
        """A method keeps the threads that it was loaded with: for others it is loaded again."""
        if not held or portable_lib._threadpool_get_thread_count() != threads:
            held.clear()
            if portable_lib._threadpool_get_thread_count() != threads:
                portable_lib._unsafe_reset_threadpool(threads)
            held.append(Runtime.get().load_program(path).load_method("forward"))
        return held[0]

    def run(arrays: Sequence[Any], threads: int) -> list[Any]:
        method = method_at(threads or own)
        # The memory of a program is planned for a largest batch; what is larger is cut.
        most = int(method.metadata.input_tensor_meta(0).sizes()[0])
        parts = []
        for start in range(0, len(arrays[0]), most):
            part = [torch.from_numpy(values[start : start + most]) for values in arrays]
            parts.append([found.numpy() for found in method.execute(part)])
        return [np.concatenate(found) for found in zip(*parts, strict=True)]

    return run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    import numpy as np
    from lepton_runtime.inputs import preparer
    from lepton_runtime.manifest import check_files, read_manifest
    from lepton_runtime.outputs import output
    from lepton_runtime.predictor import assets, name_of

    options = _parser().parse_args(arguments)
    folder = Path(__file__).resolve().parent
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    ready = preparer(manifest["preprocessing"], assets(folder, manifest))
    reads = output(manifest["output"], tuple(manifest["labels"]))
    compute = computing(options.kind, folder)
    if options.command == "probe":
        from lepton_runtime.probe import probe

        samples, to = map(Path, options.inputs)
        known = _versions(options.kind)
        np.savez(to, **probe(ready, compute, reads, manifest["labels"], samples, known))
        return 0
    rows = [ready.prepare(source) for source in options.inputs]
    found = reads.cut(compute(0)(ready.collate(rows)), rows)
    for source, row, outputs in zip(options.inputs, rows, found, strict=True):
        sys.stdout.write(f"{reads.answer(outputs, row, name_of(source))}\n")
    return 0


def _versions(kind: str) -> dict[str, str]:
    from importlib import metadata

    names = dict.fromkeys(("numpy", "pillow", "torch", kind))
    return {name: metadata.version(name) for name in names}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python program.py", description="Use this artifact.")
    parser.add_argument("kind", choices=list(FILES))
    parser.add_argument(
        "command", choices=("predict", "probe"), help="answers, or all outputs for a folder"
    )
    parser.add_argument(
        "inputs", nargs="+", help="files (or texts, or rows as JSON); for probe a folder and an .npz"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
